"""The bounded YAML loader: plain data is read, bombs are refused at once."""

from __future__ import annotations

import time

import pytest

from console.kit.errors import Invalid
from console.kit.yaml import MAX_BYTES, MAX_NODES, load


def test_plain_data_is_read() -> None:
    text = "a: 1\nb: [true, null, 1.5, 'x', 2026-03-02, \"yes\", =]\nc: {d: ''}\n1: text\n"
    assert load(text) == {
        "a": 1,
        "b": [True, None, 1.5, "x", "2026-03-02", "yes", "="],
        "c": {"d": ""},
        "1": "text",
    }
    assert load(b"") is None
    assert load("---\na: |\n  two\n  lines\n") == {"a": "two\nlines\n"}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("a: &x 1\nb: *x\n", "alias"),
        ("a: &x 1\n", "alias"),
        ("a: {b: 1}\nc: {<<: {b: 2}}\n", "merge_key"),
        ("a: 1\na: 2\n", "duplicate_key"),
        ("? [a]\n: 1\n", "key_type"),
        ("a: !!python/name:os.system x\n", "tag"),
        ("a: !!str 1\n", "tag"),
        ("a: 1\n---\nb: 2\n", "documents"),
        ("a: [\n", "syntax"),
        ("a: '\n", "syntax"),
        (b"\xff\xfe", "syntax"),
        (b"a: \xff", "syntax"),
        ("a: \ud800", "syntax"),
        pytest.param("a: " + "9" * 6000, "syntax", id="a number too long"),
        pytest.param("a: " + "x" * MAX_BYTES, "size", id="size"),
        ("[" * 25 + "]" * 25, "depth"),
        pytest.param("[" + "1," * MAX_NODES + "]", "nodes", id="nodes"),
    ],
)
def test_what_is_over_a_limit_is_refused_by_its_name(text: str | bytes, limit: str) -> None:
    with pytest.raises(Invalid) as refusal:
        load(text)
    assert (refusal.value.code, refusal.value.params) == ("yaml_refused", {"limit": limit})


def test_bombs_are_refused_at_once() -> None:
    aliases = "a0: &a0 [x,x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    merges = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 24))
    deep = "[" * 500_000
    wide = "- " * 400_000
    for bomb in (aliases, merges, deep, wide, "{" * 300_000, "? " * 300_000, "a: " * 300_000):
        begun = time.process_time()
        with pytest.raises(Invalid, match="yaml_refused"):
            load(bomb)
        assert time.process_time() - begun < 0.5
