"""Whether nodes can run what images are made for."""

from __future__ import annotations

from typing import Any

import pytest

from clusters import platforms
from console.kit.errors import Rejected


def node(system: str | None, architecture: str | None) -> dict[str, Any]:
    return {"status": {"nodeInfo": {"operatingSystem": system, "architecture": architecture}}}


def component(*made_for: str) -> dict[str, Any]:
    pairs = [one.split("/") for one in made_for]
    return {
        "key": "web",
        "image": {
            "reference": "registry.example.com/web:1",
            "platforms": [{"os": system, "architecture": architecture} for system, architecture in pairs],
        },
    }


def test_nodes_say_what_they_run() -> None:
    nodes = [node("linux", "arm64"), node("linux", "amd64"), node("linux", "amd64"), node(None, "amd64"), {}]
    assert platforms.of_nodes(nodes) == ["linux/amd64", "linux/arm64"]


@pytest.mark.parametrize(
    ("made_for", "nodes"),
    [
        (["linux/amd64"], ["linux/amd64"]),
        (["linux/amd64", "linux/arm64"], ["linux/arm64"]),
        (["linux/amd64"], ["linux/amd64", "linux/arm64"]),
        ([], ["linux/arm64"]),
        (["linux/amd64"], []),
    ],
)
def test_what_fits_or_is_not_known_passes(made_for: list[str], nodes: list[str]) -> None:
    platforms.hold([component(*made_for)], nodes)


def test_an_image_no_node_can_run_is_named_with_both_sides() -> None:
    with pytest.raises(Rejected) as refused:
        platforms.hold([component("linux/amd64"), component("linux/s390x", "linux/ppc64le")], ["linux/amd64"])
    assert (refused.value.code, refused.value.params) == (
        "platform_missing",
        {"image": "registry.example.com/web:1", "needs": "linux/amd64", "has": "linux/ppc64le, linux/s390x"},
    )
