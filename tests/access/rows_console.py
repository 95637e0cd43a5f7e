"""The matrix rows of what belongs to no app."""

from __future__ import annotations

from tests.access.rows import Row

ROWS = [Row("GET", "openapi.json")]
