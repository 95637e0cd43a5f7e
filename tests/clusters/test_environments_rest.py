"""Environments over REST: refused where they cannot be meant, seen by their team alone, changed by those who may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clusters.models import Environment
from operations.engine.loop import Loop
from operations.models import Operation
from teams.models import AuditEvent, Team
from tests.cast import Cast
from tests.clusters.working import key, make_cluster, make_environment
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def add(people: Cast, slug: str, **body: Any) -> Any:
    """Ask for an environment of the team by REST."""
    given = {"cluster": "intranet", "slug": slug, "name": slug, "stage": "test", **body}
    return people.api("admin").post("teams/shop/environments", given, headers=key())


def test_a_team_whose_environment_is_refused_is_not_made(people: Cast) -> None:
    make_cluster(people.enterprise, health="online")
    body = {"slug": "half", "name": "Half", "environment": {"cluster": "nowhere", "stage": "test"}}
    answer = people.api("admin").post("teams", body)
    problem = json.loads(answer.content)
    assert (answer.status_code, problem["errors"][0]["pointer"]) == (422, "/environment/cluster")
    assert not Team.objects.filter(slug="half").exists()


def test_a_cluster_that_is_away_is_refused_at_the_door(people: Cast) -> None:
    make_cluster(people.enterprise, health="unreachable")
    answer = add(people, "late")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "cluster_unreachable")


def test_a_cluster_that_goes_away_is_waited_for(people: Cast, loop: Loop) -> None:
    make_cluster(people.enterprise, health="online")
    answer = add(people, "late")
    name = json.loads(answer.content)["id"]
    rows = Operation.objects.filter(number=int(name[3:]))
    until(lambda: rows.get().state == "waiting", what="waiting")
    assert (rows.get().waiting_for or {})["name"] == "Intranet"
    assert people.api("admin").post(f"operations/{name}/cancel", {}).status_code == 202
    Operation.objects.filter(pk=rows.get().pk).update(deadline="2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"cluster": "nowhere"}, "/cluster", "choice_unknown"),
        ({"stage": "other"}, "/stage", "choice_unknown"),
        ({"namespace": "Kube"}, "/namespace", "not_a_slug"),
        ({"namespace": "kube-system"}, "/namespace", "reserved"),
        ({"namespace": "waybill-system"}, "/namespace", "reserved"),
        ({"namespace": "default"}, "/namespace", "reserved"),
        ({"slug": "new"}, "/slug", "reserved"),
        ({"quota": {"cpu": "lots"}}, "/quota/cpu", "malformed"),
        ({"quota": {"memory": "0"}}, "/quota/memory", "malformed"),
        ({"quota": {"pods": 0}}, "/quota/pods", "value_out_of_range"),
    ],
)
def test_what_cannot_be_meant_is_refused(people: Cast, body: dict[str, Any], pointer: str, code: str) -> None:
    make_cluster(people.enterprise, health="online")
    answer = add(people, **{"slug": "fine", **body})
    assert answer.status_code == 422, answer.content
    error = json.loads(answer.content)["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert not Environment.objects.exists()


def test_what_is_taken_is_refused(people: Cast) -> None:
    place = make_cluster(people.enterprise, health="online")
    make_environment(people.team, place, "taken")
    for body, code in [
        ({"slug": "taken", "name": "New", "namespace": "free"}, "slug_taken"),
        ({"slug": "free", "name": "Taken", "namespace": "free"}, "name_taken"),
        ({"slug": "free", "name": "New", "namespace": "taken"}, "name_taken"),
    ]:
        answer = people.api("admin").post(
            "teams/shop/environments", {"cluster": "intranet", "stage": "test", **body}, headers=key()
        )
        assert (answer.status_code, json.loads(answer.content)["code"]) == (409, code)


def test_a_double_click_makes_one_environment(people: Cast) -> None:
    make_cluster(people.enterprise, health="online")
    headers = key()
    body = {"cluster": "intranet", "stage": "test"}
    api = people.api("admin")
    first, second = (api.post("teams/shop/environments", body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert json.loads(first.content)["id"] == json.loads(second.content)["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Environment.objects.count() == 1


def test_environments_are_seen_by_their_team_alone(people: Cast) -> None:
    place = make_cluster(people.enterprise, health="online")
    make_environment(people.team, place, "mine")
    make_environment(people.other_team, place, "theirs")

    def listed(part: str) -> list[str]:
        return [item["slug"] for item in json.loads(people.api(part).get("environments").content)["items"]]

    assert listed("viewer") == ["mine"]
    assert listed("neighbour") == ["theirs"]
    assert listed("loner") == listed("stranger") == []
    assert listed("admin") == ["mine", "theirs"]
    assert people.api("viewer").get("environments/mine").status_code == 200
    foreign, absent = (people.api("viewer").get(f"environments/{name}") for name in ("theirs", "nothing"))
    assert (foreign.status_code, absent.status_code) == (404, 404)


def test_only_an_enterprise_admin_changes_the_gate(people: Cast) -> None:
    make_environment(people.team, make_cluster(people.enterprise), "mine", accepts="release")
    for part in ("lead", "developer", "market"):
        answer = people.api(part).patch("environments/mine", {"accepts": "any"})
        assert (answer.status_code, json.loads(answer.content)["code"]) == (403, "role_required")
    api = people.api("admin")
    seen = api.get("environments/mine")
    changed = api.patch("environments/mine", {"accepts": "any", "position": 7, "name": "Mein"})
    assert changed.status_code == 200, changed.content
    assert json.loads(changed.content)["accepts"] == "any"
    stale = api.patch("environments/mine", {"accepts": "release"}, headers={"If-Match": seen.headers["ETag"]})
    assert (stale.status_code, json.loads(stale.content)["code"]) == (412, "etag_mismatch")
    words = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"environment.rule_changed", "environment.renamed"} <= words


def test_lists_cost_the_same_with_one_row_and_with_many(people: Cast, django_assert_max_num_queries: Any) -> None:
    place = make_cluster(people.enterprise)
    for number in range(30):
        make_environment(people.team, place, f"env-{number}")
    for path in ("environments", "clusters", "teams"):
        people.api("admin").get(path)
        with django_assert_max_num_queries(12):
            assert people.api("admin").get(path).status_code == 200
