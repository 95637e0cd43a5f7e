"""A token server as the distribution project describes it: it signs what an account may do, a registry checks it."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.marketplace.servers import Asked, Front, Reply, Rule, running_registry

ISSUER, SERVICE = "tests", "images"
LEEWAY = 60
"""Seconds the registry lets a token live beyond its end."""


class TokenServer(Front):
    """Gives tokens to one account; others get none. Keeps what was asked, and when each token ends."""

    def __init__(self, user: str = "ci", password: str = "secret", *, host: str = "127.0.0.1") -> None:
        super().__init__("", self._issue)
        self.pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.life = 300
        """Seconds a token really lives; what is told is always 300."""
        self.busy: list[Reply] = []
        """What to answer instead, one each time."""
        self.ends: dict[str, int] = {}
        self.realm = f"http://{host}:{self.address.partition(':')[2]}/token"
        self._key = ec.generate_private_key(ec.SECP256R1())

    def scopes(self) -> list[list[str]]:
        """The scopes of each request."""
        return [sorted(one.query.get("scope", [])) for one in self.asked]

    def keys(self) -> str:
        """The public key, as a registry reads it (a JSON Web Key Set)."""
        numbers = self._key.public_key().public_numbers()
        point = {name: _encoded(value.to_bytes(32, "big")) for name, value in (("x", numbers.x), ("y", numbers.y))}
        return json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "use": "sig", **point}]})

    def is_over(self, header: str) -> bool:
        """Whether the registry lets nobody in with this Authorization header any more."""
        return time.time() > self.ends[header.removeprefix("Bearer ")]

    def _issue(self, asked: Asked, ask: object) -> Reply:
        if self.busy:
            return self.busy.pop(0)
        if asked.headers.get("Authorization") != f"Basic {self.pair}":
            return Reply(401, body=b"{}")
        now = int(time.time())
        access = []
        for scope in asked.query.get("scope", []):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        claims = {
            "iss": ISSUER,
            "aud": asked.query["service"][0],
            "sub": "ci",
            "nbf": now - 5,
            "iat": now,
            "exp": now + self.life - LEEWAY,
            "jti": secrets.token_hex(8),
            "access": access,
        }
        token = self._signed(claims)
        self.ends[token] = now + self.life
        return Reply(200, body=json.dumps({"token": token, "expires_in": 300}).encode())

    def _signed(self, claims: dict[str, object]) -> str:
        parts = [_encoded(json.dumps(one).encode()) for one in ({"alg": "ES256", "typ": "JWT", "kid": "k"}, claims)]
        raw = self._key.sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(raw)
        return ".".join([*parts, _encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))])


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextlib.contextmanager
def token_registry(folder: Path, server: TokenServer, rule: Rule | None = None) -> Iterator[Front]:
    """Run a real registry that lets in who has a token of this server; gives what stands before it and counts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keys.json").write_text(server.keys())
    settings = {"realm": server.realm, "issuer": ISSUER, "service": SERVICE, "jwks": str(folder / "keys.json")}
    with (
        running_registry(folder, auth={"token": settings}) as address,
        Front(address, rule, hands_on=True) as front,
    ):
        yield front
