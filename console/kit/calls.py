"""What a page is about to do, as the request of the API that does the same."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

HIDDEN: Final = "…"
"""Stands for a secret: what was typed never goes back into a page."""


def curl(method: str, path: str, body: Mapping[str, Any]) -> str:
    """Give the command that sends `body` to an address below /api/v1, with a key of its own and the token in $TOKEN.

    What is empty is left out: the API takes it as not given.
    """
    said = {name: value for name, value in body.items() if value not in (None, "", [], {})}
    lines = (
        f"curl --request {method} {shlex.quote(f'{settings.WAYBILL_PUBLIC_URL}/api/v1{path}')}",
        '--header "Authorization: Bearer $TOKEN"',
        '--header "Content-Type: application/json"',
        '--header "Idempotency-Key: $(uuidgen)"',
        f"--data {shlex.quote(json.dumps(said, ensure_ascii=False, indent=2))}",
    )
    return " \\\n  ".join(lines)
