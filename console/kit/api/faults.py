"""The faults of a body: unknown names, wrong JSON types, and what the serializer found, each with pointer and code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from console.kit.errors import FieldError

MOST = 100
"""Faults told of one body: an answer shall not be many times as long as what was sent."""
ITEMS = 1000
"""Items of a list, and names of an object whose names are free, where its field bounds them no tighter."""
_ABSENT = {"required", "null", "blank", "empty"}
_EXAMPLES: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], str], ...] = (
    (serializers.EmailField, "name@example.com"),
    (serializers.URLField, "https://example.com"),
    (serializers.DateTimeField, "2027-01-01T00:00:00Z"),
    (serializers.DateField, "2027-01-01"),
    (serializers.UUIDField, "0195a3c1-7d2e-7c41-9a50-3f1be0c2d9a4"),
)
# In this order: a ListSerializer is asked before a plain field, a flag before a number (bool is an int in Python).
_TYPES: tuple[tuple[type[Any], type | tuple[type, ...], str], ...] = (
    (serializers.ListSerializer, list, "array"),
    (serializers.ListField, list, "array"),
    (serializers.DictField, dict, "object"),
    (serializers.BaseSerializer, dict, "object"),
    (serializers.BooleanField, bool, "boolean"),
    (serializers.IntegerField, int, "integer"),
    (serializers.FloatField, (int, float), "number"),
    (serializers.DecimalField, (int, float, str), "number"),
    (serializers.ChoiceField, (str, int), "string"),
    (serializers.CharField, str, "string"),
    (serializers.DateTimeField, str, "string"),
)


def faults(form: serializers.BaseSerializer[Any], value: Any) -> list[FieldError]:
    """Give the faults of `value`, a hundred at most: unknown names and wrong types, else what the serializer found."""
    found = list(islice(_shape(form, value, ""), MOST))
    if found or form.is_valid():
        return found
    return list(islice(_told(form, form.errors, ""), MOST))


def _shape(field: Any, value: Any, pointer: str) -> Iterator[FieldError]:
    if value is None:
        if not field.allow_null:
            yield FieldError(pointer, "required", {})
        return
    expected = next(((kinds, word) for base, kinds, word in _TYPES if isinstance(field, base)), None)
    if expected is not None and not _is(value, expected[0]):
        yield FieldError(pointer, "wrong_type", {"expected": expected[1]})
    elif isinstance(value, (list, dict)) and len(value) > (most := _most(field)):
        yield FieldError(pointer, "too_many_items", {"limit": most})
    elif isinstance(field, (serializers.ListSerializer, serializers.ListField)):
        for index, item in enumerate(value):
            yield from _shape(field.child, item, f"{pointer}/{index}")
    elif isinstance(field, serializers.DictField):
        for key, item in value.items():
            yield from _shape(field.child, item, f"{pointer}/{_escaped(key)}")
    elif isinstance(field, serializers.Serializer):
        yield from _members(field, value, pointer)


def _most(field: Any) -> float:
    """How many items may stand here; what has named members tells those it does not know by itself."""
    if isinstance(field, serializers.Serializer):
        return math.inf
    return getattr(field, "max_length", None) or ITEMS


def _members(form: serializers.Serializer[Any], value: Mapping[str, Any], pointer: str) -> Iterator[FieldError]:
    for name, item in value.items():
        member = form.fields.get(name)
        if member is None or member.read_only:
            yield FieldError(f"{pointer}/{_escaped(name)}", "unknown_field", {"field": name})
        else:
            yield from _shape(member, item, f"{pointer}/{_escaped(name)}")


def _is(value: Any, kinds: type | tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return kinds is bool
    return isinstance(value, kinds)


def _told(field: Any, errors: Any, pointer: str) -> Iterator[FieldError]:
    """Walk DRF's tree of errors beside the tree of fields, since the parameters of a fault stand in the field."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            if name == "non_field_errors":
                yield from _told(field, inner, pointer)
            else:
                yield from _told(_member(field, name), inner, f"{pointer}/{_escaped(str(name))}")
    elif isinstance(errors, list) and errors and not isinstance(errors[0], ErrorDetail):
        for index, inner in enumerate(errors):
            if inner:
                yield from _told(getattr(field, "child", field), inner, f"{pointer}/{index}")
    else:
        yield from _said(field, errors, pointer)


def _said(field: Any, errors: Iterable[ErrorDetail], pointer: str) -> Iterator[FieldError]:
    for detail in errors:
        code, params = _named(field, detail.code or "")
        yield FieldError(pointer, code, params)


def _member(field: Any, name: Any) -> Any:
    if isinstance(field, serializers.Serializer):
        return field.fields.get(name, field)
    return getattr(field, "child", field)


def _named(field: Any, code: str) -> tuple[str, dict[str, Any]]:
    """Turn DRF's code into ours, with the parameters our sentence needs."""
    if code in _ABSENT:
        return "required", {}
    if code in {"max_length", "max_string_length"}:
        listed = isinstance(field, (serializers.ListField, serializers.ListSerializer))
        return "too_many_items" if listed else "too_long", {"limit": getattr(field, "max_length", None) or 1000}
    if code == "min_length":
        return "too_short", {"least": field.min_length}
    if code in {"max_value", "min_value"}:
        return "value_out_of_range", {"least": field.min_value, "most": field.max_value}
    if code == "invalid_choice":
        return "choice_unknown", {"choices": list(getattr(field, "choices", []))}
    if code in {"null_characters_not_allowed", "surrogate_characters_not_allowed"}:
        return "not_allowed", {}
    example = next((text for base, text in _EXAMPLES if isinstance(field, base)), None)
    return ("malformed", {"example": example}) if example else ("not_allowed", {})


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
