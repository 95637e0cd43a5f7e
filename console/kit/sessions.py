"""Sessions are rows, found by their key. A cookie may hold any text: what is no key of ours is not looked for."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as Rows

LONGEST = 40
"""As long as the column; a key has 32 letters and digits."""


class SessionStore(Rows):
    """Django's own store in the database, which hands on NUL and whatever else a cookie can be made to hold."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and 8 <= len(key) <= LONGEST and key.isascii() and key.isalnum())
