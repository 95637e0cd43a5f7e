"""Clusters over REST: shown, changed, let go of; and to whom."""

from __future__ import annotations

import json

import pytest

from clusters.models import Cluster
from operations.duties import schedule_duty
from operations.models import Duty
from teams.models import AuditEvent
from tests.cast import Cast
from tests.clusters.working import make_cluster, make_environment

pytestmark = pytest.mark.django_db


def test_a_cluster_is_shown_without_its_credential(cast: Cast) -> None:
    row = make_cluster(cast.enterprise, "intranet", token="hunter2", node_address="10.0.0.9", health="online")
    make_environment(cast.team, row, "mine")
    answers = [cast.api("admin").get(path) for path in ("clusters", "clusters/intranet")]
    for answer in answers:
        assert answer.status_code == 200
        assert "hunter2" not in answer.content.decode()
        assert row.sealed not in answer.content.decode()
    shown = json.loads(answers[-1].content)
    assert (shown["health"]["state"], shown["environments"]) == ("online", ["mine"])
    assert (shown["credential"], shown["capacity"]) == ({"kind": "token", "expires_at": None}, None)


def test_clusters_are_for_those_who_manage_them(cast: Cast) -> None:
    make_cluster(cast.enterprise, "intranet")
    for part in ("lead", "viewer", "market", "loner", "stranger"):
        assert json.loads(cast.api(part).get("clusters").content)["items"] == []
        assert cast.api(part).get("clusters/intranet").status_code == 404
    for part in ("lead", "viewer", "market"):
        assert cast.api(part).patch("clusters/intranet", {"name": "Mine"}).status_code == 403
        assert cast.api(part).delete("clusters/intranet").status_code == 403
    assert cast.api("stranger").delete("clusters/intranet").status_code == 404
    assert cast.api("nobody").get("clusters").status_code == 401


def test_a_cluster_is_changed(cast: Cast) -> None:
    make_cluster(cast.enterprise, "intranet")
    make_cluster(cast.enterprise, "other", name="Other")
    api = cast.api("admin")
    body = {
        "name": "内网",
        "node_address": "nodes.example.com",
        "ingress_class": "nginx",
        "ingress_domain": "Example.COM",
    }
    answer = api.patch("clusters/intranet", body)
    assert answer.status_code == 200, answer.content
    shown = json.loads(answer.content)
    assert [shown[field] for field in body] == ["内网", "nodes.example.com", "nginx", "example.com"]
    cleared = api.patch("clusters/intranet", {"ingress_domain": None, "node_address": "[2001:db8::1]"})
    assert json.loads(cleared.content)["ingress_domain"] is None
    assert json.loads(cleared.content)["node_address"] == "2001:db8::1"
    event = AuditEvent.objects.filter(action="cluster.changed").order_by("at").first()
    assert event is not None
    assert (event.before or {})["ingress_class"] is None
    assert (event.after or {})["ingress_class"] == "nginx"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": ""}, 422, "invalid"),
        ({"name": "Other"}, 409, "name_taken"),
        ({"node_address": "no host"}, 422, "invalid"),
        ({"ingress_domain": "-bad-"}, 422, "invalid"),
        ({"endpoint": "https://elsewhere"}, 400, "unknown_field"),
        ({"slug": "another"}, 400, "unknown_field"),
    ],
)
def test_changes_that_cannot_be_are_refused(cast: Cast, body: dict[str, str], status: int, code: str) -> None:
    make_cluster(cast.enterprise, "intranet")
    make_cluster(cast.enterprise, "other", name="Other")
    answer = cast.api("admin").patch("clusters/intranet", body)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (status, code)


def test_an_old_look_does_not_overwrite(cast: Cast) -> None:
    make_cluster(cast.enterprise, "intranet")
    api = cast.api("admin")
    seen = api.get("clusters/intranet").headers["ETag"]
    assert api.patch("clusters/intranet", {"name": "New"}, headers={"If-Match": seen}).status_code == 200
    late = api.patch("clusters/intranet", {"name": "Newer"}, headers={"If-Match": seen})
    assert (late.status_code, json.loads(late.content)["code"]) == (412, "etag_mismatch")


def test_a_cluster_in_use_stays(cast: Cast) -> None:
    row = make_cluster(cast.enterprise, "intranet")
    make_environment(cast.team, row, "mine")
    answer = cast.api("admin").delete("clusters/intranet")
    problem = json.loads(answer.content)
    assert (answer.status_code, problem["code"]) == (409, "in_use")
    assert "mine" in problem["detail"] + problem["title"]


def test_a_cluster_is_let_go_of_with_its_credential(cast: Cast) -> None:
    row = make_cluster(cast.enterprise, "intranet", token="hunter2")
    for kind in ("probe_cluster", "observe_cluster"):
        schedule_duty(kind, row.pk)
    api = cast.api("admin")
    assert api.delete("clusters/intranet").status_code == 204
    row.refresh_from_db()
    assert row.removed_at is not None
    assert row.credential() == {}
    assert not Duty.objects.filter(subject_id=row.pk).exists()
    assert api.get("clusters/intranet").status_code == 404
    assert api.delete("clusters/intranet").status_code == 404
    make_cluster(cast.enterprise, "intranet")  # the name is free again
    assert Cluster.objects.connected().count() == 1
