"""Secrets at rest: sealed with AES-256-GCM, bound to the row and column they belong to.

Sealed text is `wb1.<key id>.<base64 of nonce and ciphertext>`. The additional data is `table.column:row id`, so that a
ciphertext moved to another row or column never opens. Keys lie outside the database, in the setting WAYBILL_KEYS
(`id:base64,...`): the first one writes, all of them read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_FORMAT = "wb1"
_NONCE = 12


class SecretLost(Exception):
    """A sealed value cannot be opened: its key is not configured, or it was altered or moved."""


def read_keys(text: str) -> dict[str, bytes]:
    """Read `id:base64,...` into key id → 32 bytes, in order; the first key is the one that writes.

    Raises ValueError for a malformed list, a key that is not 32 bytes long, or an id given twice.
    """
    keys: dict[str, bytes] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, sep, encoded = part.partition(":")
        if not sep or not name.isalnum():
            raise ValueError("a key is written id:base64")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError(f"key {name} is not base64") from error
        if len(key) != 32:
            raise ValueError(f"key {name} is not 32 bytes long")
        if name in keys:
            raise ValueError(f"key id {name} is given twice")
        keys[name] = key
    if not keys:
        raise ValueError("at least one key is needed")
    return keys


def new_key(name: str = "k1") -> str:
    """Make a fresh key in the form that WAYBILL_KEYS takes."""
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def seal(value: Any, where: str) -> str:
    """Seal a JSON value for `where` (`table.column:row id`) with the first configured key."""
    name, key = next(iter(read_keys(settings.WAYBILL_KEYS).items()))
    nonce = os.urandom(_NONCE)
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = nonce + AESGCM(key).encrypt(nonce, plain, where.encode())
    return f"{_FORMAT}.{name}.{base64.b64encode(sealed).decode()}"


def unseal(text: str, where: str) -> Any:
    """Open what `seal` made for the same `where`.

    Raises SecretLost when the key is unknown, or the text was altered or belongs elsewhere.
    """
    form, _, rest = text.partition(".")
    name, _, encoded = rest.partition(".")
    key = read_keys(settings.WAYBILL_KEYS).get(name)
    if form != _FORMAT or key is None:
        raise SecretLost(f"no key {name!r} is configured")
    try:
        sealed = base64.b64decode(encoded, validate=True)
        plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], where.encode())
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise SecretLost("the sealed value was altered or belongs to another row") from error
    return json.loads(plain)


def key_of(text: str) -> str:
    """Give the id of the key a sealed text was written with."""
    return text.split(".", 2)[1]


def fingerprint(salt: bytes, value: str) -> str:
    """Give the 8 hex characters that tell whether a secret changed and never what it is (HMAC-SHA256 under `salt`)."""
    return hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()[:8]
