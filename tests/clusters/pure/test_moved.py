"""What is said to have moved between a plan that was seen and the one of now."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.moved import MOST, moved


def line(field: str, old: Any, new: Any) -> dict[str, Any]:
    return {"field": field, "from": old, "to": new, "because": "version"}


def part(key: str, action: str = "change", *changes: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "action": action, "changes": list(changes)}


def document(*components: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "from": {"revision": 3, "version": "1.0"},
        "to": {"version": "2.0", "mark": "release"},
        "gate": {"accepts": "release", "allowed": True},
        "components": list(components),
        "quota": {},
        **other,
    }


WEB = part("web", "change", line("replicas", 1, 2), line("variables.LEVEL", "info", "debug"))


def test_what_is_the_same_did_not_move() -> None:
    seen = document(WEB, part("db", "keep"), part("cache", "remove"))
    assert moved(seen, document(WEB, part("cache", "remove"))) == []


def test_lines_are_named_by_component_and_field_new_ones_first() -> None:
    seen = document(WEB, part("report", "remove"))
    now = document(part("web", "change", line("replicas", 1, 3), line("command", [], ["run"])), part("mail", "add"))
    assert moved(seen, now) == ["web.replicas", "web.command", "mail", "web.variables.LEVEL", "report"]


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"from": {"revision": 4, "version": "1.0"}}, "revision"),
        ({"from": None}, "revision"),
        ({"to": {"version": "2.1", "mark": "release"}}, "version"),
        ({"to": {"version": "2.0", "mark": "test"}}, "mark"),
        ({"gate": {"accepts": "any", "allowed": True}}, "accepts"),
        ({"quota": {"pods": {"before": "1", "after": "2", "during": "3", "hard": "9"}}}, "quota"),
        ({"routes": [{"component": "web", "port": "http", "url": "http://a.example"}]}, "routes"),
    ],
)
def test_what_a_plan_stands_on_is_named_by_a_word(other: dict[str, Any], name: str) -> None:
    assert moved(document(WEB), document(WEB, **other)) == [name]


def test_amounts_are_compared_not_their_texts_and_use_is_no_limit() -> None:
    def limit(hard: str, used: str) -> dict[str, Any]:
        return {"limits.cpu": {"before": used, "after": used, "during": used, "hard": hard}}

    assert moved(document(quota=limit("4", "1")), document(quota=limit("4000m", "2"))) == []


def test_an_image_known_by_reference_alone_is_no_other_image() -> None:
    found = part("web", "change", line("image", "r/web:1@sha256:a", "r/web:1@sha256:b"))
    assert moved(document(found), document(part("web", "change", line("image", "r/web:1@sha256:a", "r/web:1")))) == []
    assert moved(document(), document(part("web", "change", line("image", "r/web:1@sha256:a", "r/web:1")))) == []
    other = part("web", "change", line("image", "r/web:1@sha256:a", "r/web:2"))
    assert moved(document(found), document(other)) == ["web.image"]
    exact = part("web", "change", line("image", "web@sha256:a", "web@sha256:b"))
    newer = part("web", "change", line("image", "web@sha256:a", "web@sha256:c"))
    assert moved(document(exact), document(newer)) == ["web.image"]


def test_a_plan_that_moved_as_a_whole_is_not_named_line_by_line() -> None:
    many = part("web", "change", *(line(f"variables.V{number}", 1, 2) for number in range(50)))
    assert len(moved(document(), document(many))) == MOST
