"""The shape of an answer, read off its example."""

from __future__ import annotations

from console.kit.api import Either, MapOf
from console.kit.api.shape import differences, list_schema, present_schema, schema_of, shown


def test_an_answer_has_the_keys_and_types_of_its_example() -> None:
    example = {"a": 1, "b": [{"c": "x"}], "d": None, "e": MapOf(any="y"), "f": True}
    assert list(differences(example, {"a": 5, "b": [], "d": {"x": 1}, "e": {"k": "v", "l": "w"}, "f": False})) == []
    assert list(differences(example, {"a": None, "b": None, "d": None, "e": None, "f": None})) == []
    assert set(differences(example, {"a": "5", "b": [{"c": 1}, {"c": "x", "z": 1}], "d": 1, "e": {"k": 1}})) == {
        "/f is missing",
        "/a is str, the example has int",
        "/b/0/c is int, the example has str",
        "/b/1/z is not in the example",
        "/e/k is int, the example has str",
    }
    assert set(differences({"a": 1, "b": True}, {"a": True, "b": 1})) == {
        "/a is bool, the example has int",
        "/b is int, the example has bool",
    }


def test_one_of_several_shapes() -> None:
    either = Either([{"a": 1, "b": 2}, {"a": 1}])
    assert list(differences(either, {"a": 3})) == []
    assert list(differences(either, {"a": 3, "b": 4})) == []
    assert list(differences(either, {"a": 3, "c": 4})) == ["/c is not in the example"]
    assert shown(either) == {"a": 1, "b": 2}


def test_the_schema_of_an_example() -> None:
    schema = schema_of({"a": 1, "b": ["x"], "c": MapOf(k=True), "d": 1.5, "e": None})
    assert schema["required"] == ["a", "b", "c", "d", "e"]
    assert schema["properties"] == {
        "a": {"type": ["integer", "null"]},
        "b": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
        "c": {"type": ["object", "null"], "additionalProperties": {"type": ["boolean", "null"]}},
        "d": {"type": ["number", "null"]},
        "e": {},
    }
    item = list_schema(Either(({"a": 1}, {"b": 1})))["properties"]["items"]["items"]
    assert item["anyOf"][0] == {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}}
    assert present_schema({"a": 1})["required"] == ["a"]
