"""Capacity: sums of what nodes have and pods ask for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from clusters.capacity import capacity_of, requested_by


def node(name: str, *, ready: bool = True, **addresses: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    listed = [{"type": kind, "address": address} for kind, address in addresses.items()]
    status = {"allocatable": {"cpu": "4", "memory": "8Gi"}, "conditions": [condition], "addresses": listed}
    return {"metadata": {"name": name}, "status": status}


def container(cpu: str, memory: str = "0", **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


def pod(
    *containers: dict[str, Any], init: list[dict[str, Any]] | None = None, node: str | None = "n"
) -> dict[str, Any]:
    return {"spec": {"nodeName": node, "containers": list(containers), "initContainers": init or []}}


def test_sums() -> None:
    nodes = [node("a", InternalIP="10.0.0.1"), node("b", ready=False, InternalIP="10.0.0.2")]
    pods = [pod(container("250m", "64Mi"), container("1", "1Gi")), pod(container("2"), node=None)]
    assert capacity_of(nodes, pods, at="2026-03-02T14:02:05Z") == {
        "nodes_ready": 1,
        "nodes_total": 2,
        "cpu": {"allocatable": "8", "requested": "1250m", "used": None},
        "memory": {"allocatable": "16Gi", "requested": "1088Mi", "used": None},
        "node_address": "10.0.0.1",
        "platforms": [],
        "at": "2026-03-02T14:02:05Z",
    }


def test_an_external_address_before_an_internal_one_and_a_ready_node_before_one_that_is_not() -> None:
    nodes = [
        node("a", ready=False, ExternalIP="1.1.1.1"),
        node("b", InternalIP="10.0.0.2", ExternalIP="2.2.2.2", Hostname="b"),
    ]
    assert capacity_of(nodes, [], at="")["node_address"] == "2.2.2.2"
    assert capacity_of([], [], at="")["node_address"] is None


def test_init_containers_count_as_the_scheduler_counts_them() -> None:
    sidecar = container("100m", restartPolicy="Always")
    assert requested_by(pod(container("1")), "cpu") == 1
    assert requested_by(pod(container("1"), init=[container("3")]), "cpu") == 3
    assert requested_by(pod(container("1"), init=[sidecar, container("500m")]), "cpu") == Fraction(11, 10)


def test_what_a_cluster_says_wrongly_counts_nothing() -> None:
    strange = {"status": {"allocatable": {"cpu": "many", "memory": None}}, "metadata": {"name": "x"}}
    odd = {"spec": {"nodeName": "n", "containers": [{"resources": None}, {"resources": {"requests": None}}]}}
    assert capacity_of([strange], [odd], at="")["cpu"] == {"allocatable": "0", "requested": "0", "used": None}
