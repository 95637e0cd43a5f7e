"""The market: who sees what, what is newest, what a mark keeps for ever."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from marketplace.models import MarkEvent, Version
from teams.models import AuditEvent
from tests.cast import Cast
from tests.marketplace import world


def listed(cast: Cast, who: str, **query: Any) -> list[str]:
    answer = cast.api(who).get("templates", **query)
    assert answer.status_code == 200, answer.content
    return [item["slug"] for item in answer.json()["items"]]


def mark(cast: Cast, who: str, template: str, number: str, **body: Any) -> Any:
    return cast.api(who).put(f"templates/{template}/versions/{number}/mark", {"mark": "release", **body})


# --- What one sees ---------------------------------------------------------------------------------------------------


def test_a_template_is_seen_by_its_scope(cast: Cast) -> None:
    for slug, team, scope in (
        ("all", cast.team, "enterprise"),
        ("ours", cast.team, "team"),
        ("foreign", cast.foreign_team, "enterprise"),
    ):
        world.make_version(
            world.make_template(team, slug, scope=scope), "1.0", cast.stranger if slug == "foreign" else cast.developer
        )
    world.make_template(cast.team, "unpublished")
    assert listed(cast, "viewer") == listed(cast, "market") == listed(cast, "admin") == ["all", "ours"]
    assert listed(cast, "neighbour") == listed(cast, "loner") == ["all"]
    assert listed(cast, "stranger") == ["foreign"]
    assert cast.api("nobody").get("templates").status_code == 401
    for who, slug in (
        ("neighbour", "ours"),
        ("developer", "foreign"),
        ("developer", "unpublished"),
        ("market", "nope"),
    ):
        for path in (f"templates/{slug}", f"templates/{slug}/versions", f"templates/{slug}/versions/1.0"):
            assert cast.api(who).get(path).status_code == 404


def test_newest_and_newest_release_follow_the_numbers(cast: Cast) -> None:
    template = world.make_template(cast.team, "shop")
    for number, given in (("1.9", "release"), ("1.10", "release"), ("2.0-rc.1", "test"), ("1.2", "test")):
        world.make_version(template, number, cast.developer, mark=given)
    shown = cast.api("viewer").get("templates/shop").json()
    assert (shown["newest"], shown["newest_release"], shown["installed_in"]) == ("2.0-rc.1", "1.10", 0)
    items = cast.api("viewer").get("templates/shop/versions").json()["items"]
    assert [item["number"] for item in items] == ["2.0-rc.1", "1.10", "1.9", "1.2"]


def test_one_number_has_many_spellings_and_one_address(cast: Cast) -> None:
    world.make_version(world.make_template(cast.team, "shop"), "2.0", cast.developer)
    for spelt in ("2", "2.0", "2.0.0"):
        assert cast.api("viewer").get(f"templates/shop/versions/{spelt}").json()["number"] == "2.0"
    for spelt in ("2.1", "v2", "2.0-rc.1"):
        assert cast.api("viewer").get(f"templates/shop/versions/{spelt}").status_code == 404


def test_installations_count_where_one_may_look(cast: Cast) -> None:
    version = world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    world.install(world.make_place(cast.team, "ours"), version)
    world.install(world.make_place(cast.other_team, "theirs"), version)
    counts = {
        who: cast.api(who).get("templates/shop").json()["installed_in"]
        for who in ("viewer", "neighbour", "admin", "loner")
    }
    assert counts == {"viewer": 1, "neighbour": 1, "admin": 2, "loner": 0}
    shown = {who: cast.api(who).get("templates/shop/versions/1.0").json()["installed_in"] for who in counts}
    assert shown == {"viewer": ["ours"], "neighbour": ["theirs"], "admin": ["ours", "theirs"], "loner": []}


def test_the_market_is_searched(cast: Cast) -> None:
    one = world.make_template(
        cast.team, "back-office", name="后台管理系统", intro="for clerks", tags=["Java"], scope="team"
    )
    other = world.make_template(cast.team, "shop", name="Shop")
    world.make_version(one, "1.0", cast.developer, mark="release")
    world.make_version(other, "1.0", cast.developer)
    assert (
        listed(cast, "viewer", q="管理")
        == listed(cast, "viewer", q="CLERK")
        == listed(cast, "viewer", q="Java")
        == ["back-office"]
    )
    assert listed(cast, "viewer", q="OFFICE", scope="team", mark="release") == ["back-office"]
    assert listed(cast, "viewer", mark="test") == ["shop"]
    assert listed(cast, "viewer", scope="enterprise") == ["shop"]
    assert listed(cast, "viewer", q="nothing") == []
    answer = cast.api("viewer").get("templates", mark="gold")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?mark")


@pytest.mark.parametrize("path", ["templates", "templates/shop/versions", "templates/shop/versions/1.0/marks"])
def test_the_number_of_queries_does_not_grow(cast: Cast, path: str) -> None:
    def cost() -> int:
        cast.api("admin").get(path)
        with CaptureQueriesContext(connection) as queries:
            assert cast.api("admin").get(path).status_code == 200
        return len(queries)

    template = world.make_template(cast.team, "shop")
    version = world.make_version(template, "1.0", cast.developer, mark="release")
    place = world.make_place(cast.team)
    world.install(place, version)
    few = cost()
    for number in range(8):
        world.make_version(world.make_template(cast.team), "1.0", cast.developer)
        more = world.make_version(template, f"2.{number}", cast.tester, mark="release")
        world.install(place, more, slug=f"app-{number}")
        for given in ("test", "release"):
            assert mark(cast, "admin", "shop", "1.0", mark=given).status_code == 200
    assert cost() == few <= 7


# --- Marks -----------------------------------------------------------------------------------------------------------


def test_a_mark_keeps_who_when_why_and_where(cast: Cast) -> None:
    version = world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    production = world.make_place(cast.team, "prod", stage="production", accepts="release")
    world.install(production, version)
    world.install(world.make_place(cast.team, "early"), version, slug="one")
    world.install(world.make_place(cast.team, "late"), version, slug="two")
    world.install(world.make_place(cast.other_team, "hidden"), version)
    answer = mark(cast, "tester", "shop", "1.0", reason="412/412")
    assert answer.status_code == 200, answer.content
    marked = answer.json()["marked"]
    assert (marked["by"], marked["reason"]) == ("tester", "412/412")
    assert marked["verified_on"] == {"environment": "late", "app": "two", "revision": 1}, "the newest the tester sees"
    back = cast.api("lead").put("templates/shop/versions/1.0/mark", {"mark": "test", "reason": "flaw found"})
    assert (back.json()["mark"], back.json()["marked"]) == ("test", None)
    history = cast.api("viewer").get("templates/shop/versions/1.0/marks").json()["items"]
    assert [(one["mark"], one["by"], one["reason"]) for one in history] == [
        ("test", "lead", "flaw found"),
        ("release", "tester", "412/412"),
    ]
    actions = AuditEvent.objects.filter(object_type="version").order_by("at").values_list("action", "reason")
    assert list(actions) == [("version.marked_release", "412/412"), ("version.mark_removed", "flaw found")]


def test_the_place_of_the_proof_may_be_named_and_is_checked(cast: Cast) -> None:
    template = world.make_template(cast.team, "shop")
    version = world.make_version(template, "1.0", cast.developer)
    other = world.make_version(template, "2.0", cast.developer)
    world.install(world.make_place(cast.team, "early"), version, slug="one")
    world.install(world.make_place(cast.team, "late"), version, slug="two")
    world.install(world.make_place(cast.team, "another"), other, slug="three")
    world.install(world.make_place(cast.other_team, "hidden"), version, slug="four")
    world.install(world.make_place(cast.team, "prod", stage="production"), version, slug="five")
    for environment, app, revision in (
        ("early", "one", 2),
        ("early", "two", 1),
        ("another", "three", 1),
        ("hidden", "four", 1),
        ("prod", "five", 1),
        ("nowhere", "one", 1),
    ):
        place = {"environment": environment, "app": app, "revision": revision}
        answer = mark(cast, "tester", "shop", "1.0", verified_on=place)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_revision"), place
    place = {"environment": "early", "app": "one", "revision": 1}
    assert mark(cast, "tester", "shop", "1.0", verified_on=place).json()["marked"]["verified_on"] == place


def test_a_version_nobody_installed_may_be_marked_without_a_place(cast: Cast) -> None:
    world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    marked = mark(cast, "tester", "shop", "1.0").json()["marked"]
    assert (marked["verified_on"], marked["reason"]) == (None, None)


@pytest.mark.parametrize("who", ["developer", "delivery", "viewer", "market", "neighbour", "loner"])
def test_who_sees_a_template_and_may_not_mark_it_is_told_who_can(cast: Cast, who: str) -> None:
    world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    answer = mark(cast, who, "shop", "1.0")
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")
    assert answer.json()["params"]["right"] == "mark_version"
    assert answer.json()["allowed_roles"] == ["admin", "tester"]
    assert not MarkEvent.objects.exists()


def test_marking_twice_changes_nothing_and_says_so(cast: Cast) -> None:
    world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    assert mark(cast, "tester", "shop", "1.0").status_code == 200
    answer = mark(cast, "tester", "shop", "1.0")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_changed")
    assert MarkEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [({"mark": "gold"}, "choice_unknown"), ({"mark": None}, "required"), ({"reason": "x" * 2001}, "too_long")],
)
def test_a_wrong_mark_is_refused(cast: Cast, body: dict[str, Any], code: str) -> None:
    world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    answer = mark(cast, "tester", "shop", "1.0", **body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


# --- What never changes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"document": {"components": []}},
        {"content_hash": "0" * 64},
        {"number": "9.9"},
        {"sort_key": "000009.000009.000000~"},
        {"bytes": 1},
        {"state": "copying"},
        {"published_by": None},
    ],
)
def test_the_database_keeps_a_published_version_as_it_is(cast: Cast, change: dict[str, Any]) -> None:
    version = world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    with pytest.raises(DatabaseError), transaction.atomic():
        Version.objects.filter(pk=version.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        version.delete()
    assert Version.objects.get().content_hash == version.content_hash


def test_the_history_of_marks_takes_inserts_only(cast: Cast) -> None:
    version = world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer, mark="release")
    event = version.mark_events.get()
    for act in (lambda: MarkEvent.objects.filter(pk=event.pk).update(reason="other"), event.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


# --- Texts of a template ---------------------------------------------------------------------------------------------


def test_publishers_change_intro_and_tags_and_market_admins_all(cast: Cast) -> None:
    world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    changed = cast.api("developer").patch("templates/shop", {"intro": " New ", "tags": ["b", "a", "b"]})
    assert (changed.json()["intro"], changed.json()["tags"]) == ("New", ["b", "a"])
    answer = cast.api("developer").patch("templates/shop", {"name": "Other", "intro": "x"})
    assert (answer.status_code, answer.json()["params"]["right"]) == (403, "manage_market")
    assert cast.api("tester").patch("templates/shop", {"intro": "x"}).status_code == 403
    answer = cast.api("market").patch("templates/shop", {"name": "Other", "scope": "team"})
    assert (answer.json()["name"], answer.json()["scope"]) == ("Other", "team")
    assert cast.api("neighbour").get("templates/shop").status_code == 404
    events = list(AuditEvent.objects.filter(action="template.changed").order_by("at").values_list("after", flat=True))
    assert events == [{"intro": "New", "tags": ["b", "a"]}, {"name": "Other", "scope": "team"}]


def test_texts_of_a_template_are_checked(cast: Cast) -> None:
    world.make_version(world.make_template(cast.team, "shop"), "1.0", cast.developer)
    world.make_template(cast.team, "taken", name="Taken")
    market = cast.api("market")
    answer = market.patch("templates/shop", {"name": "Taken"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    for body, code in (
        ({"name": " "}, "required"),
        ({"intro": "i" * 401}, "too_long"),
        ({"tags": ["t" * 31]}, "too_long"),
        ({"tags": ["t"] * 21}, "too_many_items"),
        ({"scope": "world"}, "choice_unknown"),
    ):
        answer = market.patch("templates/shop", body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code), body
    tag = market.get("templates/shop").headers["ETag"]
    market.patch("templates/shop", {"intro": "first"})
    answer = market.patch("templates/shop", {"intro": "second"}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (412, "etag_mismatch")
