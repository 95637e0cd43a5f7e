"""What is kept of one look at a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clusters.observing import EVENTS, Seen, Subject, by_application, status_of

ID = "0195a3c1-7d2e-7c41-9a50-3f1be0c2d9a4"
DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
NOW = 1_772_460_131.0


def metadata(name: str, component: str | None = "web", owner: str = ID, **more: Any) -> dict[str, Any]:
    labels = {"waybill.internal/application": owner} | ({"app.kubernetes.io/name": component} if component else {})
    return {"name": name, "uid": f"uid-{name}", "labels": labels, **more}


def deployment(**status: int) -> dict[str, Any]:
    counts = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1, **status}
    return {
        "kind": "Deployment",
        "metadata": metadata("shop-web", generation=1),
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, **counts},
    }


def pod(digest: str = DIGEST) -> dict[str, Any]:
    ready = [{"type": "Ready", "status": "True"}]
    running = {
        "name": "web",
        "ready": True,
        "restartCount": 2,
        "imageID": f"r.example/web@{digest}",
        "state": {"running": {}},
    }
    status = {"phase": "Running", "conditions": ready, "containerStatuses": [running]}
    return {"kind": "Pod", "metadata": metadata("shop-web-1"), "spec": {}, "status": status}


def service(*ports: dict[str, Any], name: str = "shop-web-outside", type: str = "NodePort") -> dict[str, Any]:
    return {"kind": "Service", "metadata": metadata(name), "spec": {"type": type, "ports": list(ports)}}


def document(digest: str = DIGEST, **component: Any) -> dict[str, Any]:
    web = {
        "key": "web",
        "name": "Pages",
        "kind": "stateless",
        "image": {"path": "shop/web", "digest": digest, "platforms": []},
        "ports": [
            {"name": "http", "number": 8080, "protocol": "TCP"},
            {"name": "db", "number": 5432, "protocol": "TCP"},
            {"name": "admin", "number": 9001, "protocol": "TCP"},
        ],
        "probes": {"readiness": {"kind": "http", "port": "admin", "path": "/"}},
        **component,
    }
    return {"schema": 1, "components": [web]}


def subject(*documents: dict[str, Any], stopped: bool = False) -> Subject:
    return Subject(ID, "shop", "prod", stopped, documents or (document(),), "2.0")


def seen(*objects: dict[str, Any]) -> Seen:
    return by_application(objects).get(ID, Seen())


def look(*objects: dict[str, Any], what: Subject | None = None, events: Any = (), address: Any = "10.0.0.9") -> Any:
    return status_of(what or subject(), seen(*objects), events, node_address=address, now=NOW)


def test_what_runs() -> None:
    found = look(deployment(), pod())
    assert (found["state"], found["cause_code"], found["digests_match"]) == ("running", None, True)
    assert found["components"] == [
        {
            "key": "web",
            "name": "Pages",
            "kind": "stateless",
            "state": "running",
            "ready": 1,
            "desired": 1,
            "image": "shop/web:2.0",
            "digest": DIGEST,
            "digests_match": True,
            "restarts": 2,
            "cause": None,
        }
    ]


def test_objects_of_others_do_no_harm() -> None:
    theirs = {**deployment(), "metadata": metadata("shop-web", owner="another")}
    unlabelled = {"kind": "Pod", "metadata": {"name": "x", "uid": "y"}, "status": {}}
    assert by_application([theirs, unlabelled]).keys() == {"another"}
    found = look(theirs, unlabelled)
    assert (found["state"], found["cause_code"]) == ("failed", "no_pods")


def test_what_was_not_sent_yet_is_starting() -> None:
    found = look(what=replace(subject(), under_way=True))
    assert (found["state"], found["cause_code"]) == ("starting", None)


def test_what_is_on_its_way_is_no_other_image() -> None:
    assert look(deployment(), pod(OTHER))["digests_match"] is False
    both = subject(document(DIGEST), document(OTHER))
    assert look(deployment(), pod(OTHER), what=both)["digests_match"] is True


def test_nothing_deployed_is_idle_and_stopped_is_stopped() -> None:
    assert status_of(Subject(ID, "shop", "prod", False, ()), Seen(), (), node_address=None, now=NOW)["state"] == "idle"
    assert look(what=subject(stopped=True))["state"] == "stopped"


@pytest.mark.parametrize(
    ("address", "host"),
    [("10.0.0.9", "10.0.0.9"), ("2001:db8::1", "[2001:db8::1]"), ("nodes.example.com", "nodes.example.com")],
)
def test_access(address: str, host: str) -> None:
    ports = [
        {"name": "http", "nodePort": 30233},
        {"name": "db", "nodePort": 30234},
        {"name": "admin", "nodePort": 30235},
    ]
    found = look(deployment(), pod(), service(*ports), address=address)["access"]
    assert [(entry["port"], entry["url"]) for entry in found] == [
        ("admin", f"http://{host}:30235"),
        ("db", f"tcp://{host}:30234"),
        ("http", f"http://{host}:30233"),
    ]


def test_access_without_an_address_or_a_port_of_ours() -> None:
    port = {"name": "http", "nodePort": 30233}
    (entry,) = look(service(port), address=None)["access"]
    assert (entry["url"], entry["node_port"]) == (None, 30233)
    assert look(service(port, type="ClusterIP"))["access"] == []
    assert look(service(port, name="other"))["access"] == []
    assert look(service({"name": "gone", "nodePort": 1}))["access"] == []
    assert look(service({"name": "http"}))["access"] == []


def test_volumes() -> None:
    bound = {
        "kind": "PersistentVolumeClaim",
        "metadata": metadata("data-shop-web-0"),
        "spec": {"storageClassName": "local", "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Bound", "capacity": {"storage": "20Gi"}},
    }
    pending = {**bound, "metadata": metadata("a"), "status": {"phase": "Pending"}}
    found = look(bound, pending)["volumes"]
    assert [(volume["name"], volume["phase"], volume["size"]) for volume in found] == [
        ("a", "Pending", "1Gi"),
        ("data-shop-web-0", "Bound", "20Gi"),
    ]


def event(number: int, reason: str = "BackOff", *, uid: str = "uid-shop-web-1", **more: Any) -> dict[str, Any]:
    return {
        "type": "Warning",
        "reason": reason,
        "message": f"words {number}",
        "lastTimestamp": f"2026-03-02T14:{number // 60:02}:{number % 60:02}Z",
        "involvedObject": {"kind": "Pod", "name": "shop-web-1", "uid": uid},
        "count": number,
        **more,
    }


def test_events_are_the_applications_own_newest_first_each_once() -> None:
    scheduler = event(0, "FailedScheduling", lastTimestamp=None, eventTime="2026-03-02T15:00:00Z", count=None)
    foreign = event(5, uid="uid-other", involvedObject={"kind": "Pod", "name": "other-1", "uid": "uid-other"})
    found = look(deployment(), pod(), events=[event(1), event(3), event(2), foreign, scheduler])["events"]
    assert [(item["reason"], item["words"], item["count"]) for item in found] == [
        ("FailedScheduling", "words 0", 1),
        ("BackOff", "words 3", 3),
    ]
    assert found[0]["object"] == "Pod/shop-web-1"


def test_events_of_replica_sets_count_and_fifty_are_kept() -> None:
    made = {"kind": "ReplicaSet", "name": "shop-web-5d8f", "uid": "uid-rs"}
    many = [event(number, f"Reason{number}", involvedObject=made) for number in range(70)]
    found = look(deployment(), events=many)["events"]
    assert len(found) == EVENTS
    assert found[0]["reason"] == "Reason69"
