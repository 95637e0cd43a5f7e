"""Bodies: JSON read within bounds, and validated without guessing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError
from rest_framework import serializers

from console.kit.api.faults import faults
from console.kit.errors import FieldError, Invalid, Malformed, TooLarge, UnsupportedMedia

MAX_DEPTH = 32
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Body(serializers.Serializer[Any]):
    """The base of request bodies: a DRF serializer whose unknown fields are refused."""


class SecretField(serializers.CharField):
    """A password or token: write-only, taken as it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"write_only": True, "trim_whitespace": False, "max_length": 4096, **kwargs})


def read(request: HttpRequest) -> Any:
    """Read the JSON body; an empty one is an empty object.

    Raises TooLarge (over WAYBILL_MAX_BODY), UnsupportedMedia (not application/json), and Malformed: `malformed_body`
    (not UTF-8, not JSON, a name twice, NaN, a number over 64 bits, characters that no database stores) or
    `body_too_deep`.
    """
    raw = _bytes(request)
    if not raw:
        return {}
    if request.content_type != "application/json":
        raise UnsupportedMedia("unsupported_media_type", media_type=request.content_type or "")
    _measure(raw)
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise Malformed("malformed_body", reason=_reason(error)) from error
    if any(_UNSTORABLE.search(text) for text in texts(value)):
        raise Malformed("malformed_body", reason="character")
    return value


def validate(
    serializer: type[serializers.BaseSerializer[Any]], value: Any, *, partial: bool = False, context: Any = None
) -> Any:
    """Validate `value`; gives what the serializer makes of it.

    Raises Malformed("unknown_field") for names it does not have, at any depth, and Invalid("invalid") with one
    FieldError per fault.
    """
    form = serializer(data=value, partial=partial, context=context or {})
    found = list(faults(form, value))
    unknown = [fault for fault in found if fault.code == "unknown_field"]
    if unknown:
        raise Malformed("unknown_field", field=unknown[0].params["field"], errors=unknown)
    if found:
        raise Invalid("invalid", errors=found)
    return form.validated_data


def _bytes(request: HttpRequest) -> bytes:
    limit = settings.WAYBILL_MAX_BODY
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError as error:
        raise Malformed("malformed_body", reason="length") from error
    if length > limit:
        raise TooLarge("body_too_large", limit=limit)
    try:
        raw: bytes = request.body
    except RequestDataTooBig as error:
        raise TooLarge("body_too_large", limit=limit) from error
    except UnreadablePostError as error:
        raise Malformed("malformed_body", reason="cut") from error
    except RawPostDataException as error:
        # Looked through for the token of a form before: what a form sends is never JSON.
        raise UnsupportedMedia("unsupported_media_type", media_type=request.content_type or "") from error
    if len(raw) > limit:
        raise TooLarge("body_too_large", limit=limit)
    return raw


def _measure(raw: bytes) -> None:
    """Refuse deep nesting before anything recursive reads the text."""
    depth = 0
    for match in _STRUCTURE.finditer(raw):
        sign = match[0][:1]
        if sign in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed("body_too_deep")
        elif sign in b"]}":
            depth -= 1


class _Reason(ValueError):
    """A fault that the JSON grammar allows and this API does not."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Reason("duplicate")
    return value


def _no_constant(word: str) -> Any:
    raise _Reason("constant")


def _integer(text: str) -> int:
    # What no answer could say again (and no row keep): 64 bits, of which -2**63 … 2**64-1 can be written.
    if len(text) > 20 or not -(2**63) <= (number := int(text)) < 2**64:
        raise _Reason("number")
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Reason("number")
    return number


def _reason(error: Exception) -> str:
    if isinstance(error, _Reason):
        return str(error)
    return "encoding" if isinstance(error, UnicodeDecodeError) else "syntax"


def texts(value: Any) -> Iterator[str]:
    """Give every text of a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def wrong(pointer: str, code: str, **params: Any) -> Invalid:
    """Make the refusal of one field."""
    return Invalid("invalid", errors=[FieldError(pointer, code, params)])
