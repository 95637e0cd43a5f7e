"""The cluster's times as Unix seconds."""

from __future__ import annotations

from datetime import datetime


def seconds(text: str | None) -> float | None:
    """Read an RFC 3339 time (`2026-03-02T14:02:11Z`, with or without fractions); None for none or a malformed one."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
