"""The shape of an answer, read off its example: for the OpenAPI document, and to hold answers to it.

Every key of an example is always there in an answer; any value may be null where the example's meaning allows it. A
mapping whose keys are data (`MapOf`) may have any keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class MapOf(dict[str, Any]):
    """An example of an object whose keys are data, such as cluster slug → result."""


class Either(tuple[Any, ...]):
    """Examples of which an answer may follow any one; the first is shown."""


def shown(example: Any) -> Any:
    """Give the example as plain JSON."""
    if isinstance(example, Either):
        return shown(example[0])
    if isinstance(example, dict):
        return {key: shown(item) for key, item in example.items()}
    if isinstance(example, (list, tuple)):
        return [shown(item) for item in example]
    return example


def schema_of(example: Any) -> dict[str, Any]:
    """Give the JSON schema (2020-12, as OpenAPI 3.1 has it) that an example stands for."""
    if isinstance(example, Either):
        return {"anyOf": [schema_of(item) for item in example]}
    if isinstance(example, MapOf):
        return {
            "type": ["object", "null"],
            "additionalProperties": schema_of(next(iter(example.values()), None)) or True,
        }
    if isinstance(example, dict):
        properties = {key: schema_of(item) for key, item in example.items()}
        return {"type": ["object", "null"], "properties": properties, "required": list(example)}
    if isinstance(example, (list, tuple)):
        return {"type": ["array", "null"], "items": schema_of(example[0]) if example else {}}
    if isinstance(example, bool):
        return {"type": ["boolean", "null"]}
    if isinstance(example, int):
        return {"type": ["integer", "null"]}
    if isinstance(example, float):
        return {"type": ["number", "null"]}
    if isinstance(example, str):
        return {"type": ["string", "null"]}
    return {}


def present_schema(example: Any) -> dict[str, Any]:
    """Give the schema of an answer, or of an item of a list: as `schema_of`, but it is there, and not null."""
    if isinstance(example, Either):
        return {"anyOf": [present_schema(item) for item in example]}
    schema = schema_of(example)
    return schema | {"type": next(kind for kind in schema["type"] if kind != "null")} if "type" in schema else schema


def list_schema(example: Any) -> dict[str, Any]:
    """Give the schema of a page of such items. None of an item's names is sure to be there: `fields` chooses them."""
    link = {"type": ["string", "null"]}
    return {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": _chosen(present_schema(example))},
            "next": link,
            "previous": link,
            "total": {"type": "integer"},
        },
        "required": ["items", "next", "previous"],
    }


def _chosen(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {"anyOf": [_chosen(item) for item in schema["anyOf"]]}
    return {name: value for name, value in schema.items() if name != "required"}


def differences(example: Any, answer: Any, pointer: str = "") -> Iterator[str]:
    """Give each place where `answer` has other keys or other types than its example."""
    if answer is None or example is None:
        return
    if isinstance(example, Either):
        tried = [list(differences(item, answer, pointer)) for item in example]
        if all(tried):
            yield from min(tried, key=len)
    elif isinstance(example, MapOf) and isinstance(answer, dict):
        model = next(iter(example.values()), None)
        for key, item in answer.items():
            yield from differences(model, item, f"{pointer}/{key}")
    elif isinstance(example, dict) and isinstance(answer, dict):
        for key in sorted(example.keys() ^ answer.keys()):
            yield f"{pointer}/{key} is {'missing' if key in example else 'not in the example'}"
        for key in example.keys() & answer.keys():
            yield from differences(example[key], answer[key], f"{pointer}/{key}")
    elif isinstance(example, list) and isinstance(answer, list):
        for index, item in enumerate(answer if example else []):
            yield from differences(example[0], item, f"{pointer}/{index}")
    elif type(example) is not type(answer):
        yield f"{pointer} is {type(answer).__name__}, the example has {type(example).__name__}"
