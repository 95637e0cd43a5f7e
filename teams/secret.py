"""What is shown once: access tokens and one-time passwords. Made here, stored only as hashes."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final, NamedTuple

PREFIX: Final = "wb"
PREFIX_LENGTH: Final = 8
_TOKEN: Final = re.compile(r"wb[0-9a-f]{64}")
# Without the look-alikes 0/O, 1/l/I, since a one-time password is read off one screen and typed at another.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_PASSWORD_LENGTH: Final = 16
"""93 bits: no guessing within the life of a one-time password."""


class NewToken(NamedTuple):
    """A token just made: its text (shown once), the prefix that names it, the hash that is stored."""

    text: str
    prefix: str
    hash: bytes


def new_token() -> NewToken:
    """Make a token: `wb` and 32 random bytes in hex."""
    raw = secrets.token_bytes(32)
    text = PREFIX + raw.hex()
    return NewToken(text, text[:PREFIX_LENGTH], hashlib.sha256(raw).digest())


def read_token(text: str) -> bytes | None:
    """Give the hash under which a token is stored; None for what has not a token's form."""
    if not _TOKEN.fullmatch(text):
        return None
    return hashlib.sha256(bytes.fromhex(text.removeprefix(PREFIX))).digest()


def new_password() -> str:
    """Make a one-time password."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_PASSWORD_LENGTH))
