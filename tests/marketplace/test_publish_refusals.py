"""What may not be published, by whom, and how it is said; what cannot be taken back."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.models import Publication, Template, Version
from operations.engine.loop import Loop
from tests.marketplace import world
from tests.marketplace.servers import Meter
from tests.marketplace.shop import Shop
from tests.marketplace.world import key


def test_a_taken_number_is_refused_with_the_next_free_one(loop: Loop, shop: Shop, target: Meter) -> None:
    shop.done(confirm_by_itself=True)
    for number in ("1.0", "1", "1.0.0"):
        answer = shop.publish(number, template={"slug": "shop"})
        assert (answer.status_code, answer.json()["code"]) == (409, "number_taken")
        assert answer.json()["params"] == {"number": number, "next": "1.1" if number != "1.0.0" else "1.0.1"}
    assert Publication.objects.count() == 1


def test_what_may_not_be_published(shop: Shop, goal: str) -> None:
    def code(**body: Any) -> str:
        answer = shop.publish(**body)
        assert answer.status_code == 409, answer.content
        found: str = answer.json()["code"]
        return found

    assert code() == "registry_not_set"
    world.make_registry(shop.cast.admin, goal)
    taken = world.make_template(shop.cast.team, "taken", name="Taken")
    assert code(template={"slug": taken.slug, "name": "Other"}) == "slug_taken"
    assert code(template={"slug": "other", "name": "Taken"}) == "name_taken"
    shop.app.origin = "market"
    shop.app.save()
    assert code() == "market_application"
    shop.app.origin, shop.app.current_revision = "made", None
    shop.app.save()
    assert code() == "nothing_deployed"
    assert not Publication.objects.exists() and not Version.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"number": "v1"}, "/number", "not_a_number"),
        ({"components": ["web", "nope"]}, "/components/1", "unknown_component"),
        ({"components": ["db", "db"]}, "/components/1", "duplicate"),
        ({"components": []}, "/components", "required"),
        ({"components": ["web"]}, "/components/web/depends_on/0", "unknown_component"),
        ({"template": {}}, "/template/slug", "required"),
        ({"template": {"slug": "absent"}}, "/template/slug", "unknown_template"),
        ({"template": {"slug": "Bad Slug", "name": "x"}}, "/template/slug", "not_a_slug"),
        ({"template": {"slug": "x1", "name": "x", "intro": "i" * 401}}, "/template/intro", "too_long"),
        ({"template": {"slug": "x1", "name": "x", "tags": ["a", "\u202e"]}}, "/template/tags/1", "not_allowed"),
        ({"template": {"slug": "x1", "name": "x", "scope": "all"}}, "/template/scope", "choice_unknown"),
        ({"alias": "a" * 65}, "/alias", "too_long"),
        ({"parameters": [{"address": "web.variables.NOPE"}]}, "/parameters/0/address", "unknown_address"),
        (
            {"parameters": [{"address": "web.variables.SMTP_PASSWORD", "type": "text"}]},
            "/parameters/0/type",
            "choice_unknown",
        ),
    ],
)
def test_every_wrong_field_is_pointed_at(shop: Shop, goal: str, body: dict[str, Any], pointer: str, code: str) -> None:
    world.make_registry(shop.cast.admin, goal)
    answer = shop.publish(**{"number": "1.0", **body})
    assert answer.status_code == 422, answer.content
    assert (pointer, code) in [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert not Template.objects.exists() and not Version.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("viewer", 403),
        ("tester", 403),
        ("delivery", 403),
        ("neighbour", 404),
        ("loner", 404),
        ("stranger", 404),
        ("nobody", 401),
    ],
)
def test_who_may_not_publish(shop: Shop, goal: str, who: str, status: int) -> None:
    world.make_registry(shop.cast.admin, goal)
    assert shop.publish(who=who).status_code == status
    assert not Publication.objects.exists()


def test_a_template_of_another_team_takes_no_version_from_here(shop: Shop, goal: str) -> None:
    world.make_registry(shop.cast.admin, goal)
    theirs = world.make_template(shop.cast.other_team, "theirs", scope="enterprise")
    answer = shop.publish(template={"slug": theirs.slug})
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")
    hidden = world.make_template(shop.cast.other_team, "hidden", scope="team")
    answer = shop.publish(template={"slug": hidden.slug})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_template")


def test_a_published_version_cannot_be_given_up(loop: Loop, shop: Shop, target: Meter) -> None:
    shop.done(confirm_by_itself=True)
    answer = shop.api.delete(f"{shop.base}/publications/1")
    assert (answer.status_code, answer.json()["code"]) == (409, "publication_not_ready")
    assert Version.objects.count() == 1


def test_the_same_request_twice_publishes_once(shop: Shop, goal: str) -> None:
    world.make_registry(shop.cast.admin, goal)
    wish = {"template": {"slug": "shop", "name": "Shop"}, "number": "1.0"}
    header = key()
    first = shop.api.post(f"{shop.base}/publications", wish, headers=header)
    second = shop.api.post(f"{shop.base}/publications", wish, headers=header)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Publication.objects.count() == 1
