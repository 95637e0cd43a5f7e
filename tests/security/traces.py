"""Looking for secrets in what the console writes, in every dress they may wear."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from django.db import connection


def dresses(secret: str) -> Iterator[bytes]:
    """Give every form in which a secret would still be one: plain, base64 at each offset, hex, in a URL, in JSON."""
    raw = secret.encode()
    yield raw
    yield raw.hex().encode()
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    for offset in range(3):
        # Without the characters that also depend on the neighbours.
        whole = base64.b64encode(b"\0" * offset + raw)
        part = whole[4 if offset else 0 : len(whole) // 4 * 4 - 4]
        yield part
        yield part.translate(bytes.maketrans(b"+/", b"-_"))


def traces(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Give `secret in place` for each that is found."""
    found = []
    for name, secret in secrets.items():
        forms = {form for form in dresses(secret) if len(form) >= 8}
        assert forms, f"{name} is too short to look for"
        found += [f"{name} in {place}" for place, text in places.items() if any(form in text for form in forms)]
    return found


def dump(tables: Iterable[str] | None = None) -> dict[str, bytes]:
    """Give table → all its rows as text, as a dump of the database has them."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables or connection.introspection.table_names():
            with cursor.cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                found[f"table {table}"] = b"".join(bytes(part) for part in copy)
    return found
