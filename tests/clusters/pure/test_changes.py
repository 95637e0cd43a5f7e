"""Changes of components in words: nothing of the machine shows through."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.pages.changes import label, value_text

DIGEST = f"sha256:{'0123456789abcdef' * 4}"


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("depends_on", ["db", "cache"], "db, cache"),
        ("depends_on", [], "none"),
        ("image", f"registry.example.com:5000/dev/db:1.0@{DIGEST}", "db:1.0 @0123456789ab"),
        ("image", "registry.example.com:5000/dev/db:2.0", "db:2.0"),
        ("variables.LOG_LEVEL", "warn", "warn"),
        ("variables.LOG_LEVEL", None, "none"),
        ("replicas", {"default": 2}, '{"default": 2}'),
    ],
)
def test_a_value_is_written_as_people_write_it(field: str, value: Any, shown: str) -> None:
    assert value_text(field, value) == shown


@pytest.mark.parametrize(
    ("field", "word"),
    [("depends_on", "Depends on"), ("variables.TITLE", "TITLE"), ("files./etc/app.conf", "File /etc/app.conf")],
)
def test_a_property_has_a_name(field: str, word: str) -> None:
    assert label(field) == word
