"""Signing in to a registry: Basic, or the token dance of the distribution project (`spec/auth/token`).

A token is asked for once per (registry, account, set of scopes) and kept for four fifths of its life, for every thread
of the process. What a registry asked for once is answered before it asks again: the next set of scopes costs one
request and not three. An account's password goes to the registry itself and to a token server of the same domain only;
a realm elsewhere is asked without it.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from console.kit.errors import Rejected

SHORTEST = 60
"""Seconds a token lives when its server does not say (the token specification's own default)."""
_PARAM = re.compile(r'([a-zA-Z][a-zA-Z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"(?:^|,)\s*(Bearer|Basic)\b", re.IGNORECASE)
_MOST_TOKENS = 512


@dataclass(frozen=True)
class Challenge:
    """What a 401 asks for."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def read_challenge(header: str) -> Challenge | None:
    """Read a WWW-Authenticate header; Bearer is preferred where both are offered, None when neither is."""
    found: dict[str, Challenge] = {}
    starts = list(_SCHEME.finditer(header))
    for index, here in enumerate(starts):
        end = starts[index + 1].start() if index + 1 < len(starts) else len(header)
        text = header[here.end() : end]
        params = {key.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for key, quoted, bare in _PARAM.findall(text)}
        scheme = here[1].lower()
        found[scheme] = Challenge(scheme, params.get("realm", ""), params.get("service", ""), params.get("scope", ""))
    return found.get("bearer") or found.get("basic")


def may_know_password(registry: str, realm_host: str) -> bool:
    """Tell whether a token server may be told the account's password of `registry` (`host[:port]`).

    It may if it has the registry's own name, or lies in the same domain: `auth.docker.io` for `registry-1.docker.io`,
    `gitlab.example` for `registry.gitlab.example`. Addresses must be equal.
    """
    own, other = _host(registry), realm_host.lower().rstrip(".").strip("[]")
    if own == other:
        return True
    if _is_address(own) or _is_address(other):
        return False
    domain = own.partition(".")[2]
    return domain.count(".") >= 1 and (other == domain or other.endswith("." + domain))


def _host(address: str) -> str:
    return (urlsplit(f"//{address}").hostname or "").rstrip(".").lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def basic(user: str, password: str) -> str:
    """Give the Authorization header of an account."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass(frozen=True)
class _Kept:
    header: str
    until: float


class TokenCache:
    """Authorization headers by (registry, account, scopes), shared by all threads of a process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._asked: dict[tuple[str, ...], Challenge] = {}

    def remember(self, door: tuple[str, ...], asked: Challenge) -> None:
        """Keep what a registry asked an account for."""
        with self._lock:
            if len(self._asked) >= _MOST_TOKENS:
                self._asked.clear()
            self._asked[door] = asked

    def asked(self, door: tuple[str, ...]) -> Challenge | None:
        """Give what it asked for, if it ever did."""
        with self._lock:
            return self._asked.get(door)

    def get(self, key: tuple[str, ...]) -> str | None:
        """Give the header kept under `key` while it is still good."""
        with self._lock:
            kept = self._kept.get(key)
            return kept.header if kept and kept.until > self._clock() else None

    def put(self, key: tuple[str, ...], header: str, seconds: float) -> None:
        """Keep a header for four fifths of `seconds`."""
        with self._lock:
            if len(self._kept) >= _MOST_TOKENS:
                self._kept.clear()
            self._kept[key] = _Kept(header, self._clock() + seconds * 0.8)

    def drop(self, key: tuple[str, ...], header: str) -> None:
        """Forget the header, unless another thread has renewed it meanwhile."""
        with self._lock:
            kept = self._kept.get(key)
            if kept and kept.header == header:
                del self._kept[key]


TOKENS = TokenCache()

Fetch = Callable[[str, dict[str, str]], tuple[int, bytes]]
"""GET a URL with these headers → (status, body), through the outbound guard and without following anything."""


class Authenticator:
    """Gives each request to one registry its Authorization header."""

    def __init__(
        self,
        registry: str,
        user: str | None,
        password: str | None,
        *,
        plain_http: bool,
        scopes: frozenset[str],
        fetch: Fetch,
        cache: TokenCache = TOKENS,
    ) -> None:
        self._registry = registry
        self._user = user
        self._password = password
        self._plain_http = plain_http
        self._scopes = scopes
        self._fetch = fetch
        self._cache = cache
        self._lock = threading.Lock()
        account = hashlib.sha256(f"{user}\0{password}".encode()).hexdigest()
        self._door = (registry, account)
        self._key = (registry, account, *sorted(scopes))

    def header(self) -> str | None:
        """Give the header to send, or None while the registry has not asked for any.

        Raises Unreachable when a token is needed and its server does not answer.
        """
        header = self._cache.get(self._key)
        asked = self._cache.asked(self._door)
        if header is not None or asked is None:
            return header
        with self._lock:
            header = self._cache.get(self._key)
            if header is not None:
                return header
            try:
                return self._offer(asked, None)
            except Rejected:
                # It may ask for something else by now: let it ask.
                return None

    def answer(self, challenge: str, refused: str | None) -> str | None:
        """Answer a 401: renew the header and give it, or None when there is nothing (else) to offer.

        `refused` is the header that was just sent. Raises Rejected registry_refused_login when the token server refuses
        the account, and Unreachable when it does not answer.
        """
        asked = read_challenge(challenge)
        with self._lock:
            kept = self._cache.get(self._key)
            if kept and kept != refused:
                return kept
            if refused:
                self._cache.drop(self._key, refused)
            if asked is None:
                return None
            self._cache.remember(self._door, asked)
            return self._offer(asked, refused)

    def _offer(self, asked: Challenge, refused: str | None) -> str | None:
        return self._basic(refused) if asked.scheme == "basic" else self._bearer(asked)

    def _basic(self, refused: str | None) -> str | None:
        if self._user is None:
            return None
        header = basic(self._user, self._password or "")
        if header == refused:
            return None
        self._cache.put(self._key, header, 3600)
        return header

    def _bearer(self, asked: Challenge) -> str | None:
        realm = urlsplit(asked.realm)
        if realm.scheme not in ({"http", "https"} if self._plain_http else {"https"}) or not realm.hostname:
            raise self._refusal()
        scopes = sorted(self._scopes) or [asked.scope]
        query = urlencode(
            [("service", asked.service)] * bool(asked.service) + [("scope", scope) for scope in scopes if scope],
            quote_via=quote,
        )
        headers = {"Accept": "application/json"}
        if self._user is not None and may_know_password(self._registry, realm.hostname):
            headers["Authorization"] = basic(self._user, self._password or "")
        url = f"{asked.realm}{'&' if realm.query else '?'}{query}"
        status, body = self._fetch(url, headers)
        if status in {400, 401, 403, 404}:
            if self._user is None:
                return None
            raise self._refusal()
        if status != 200:
            raise Rejected("registry_failed", registry=self._registry, status=status)
        token, seconds = _token(body)
        if token is None:
            raise self._refusal()
        header = f"Bearer {token}"
        self._cache.put(self._key, header, seconds)
        return header

    def _refusal(self) -> Rejected:
        return Rejected("registry_refused_login", registry=self._registry, user=self._user or "")


def _token(body: bytes) -> tuple[str | None, float]:
    try:
        answer: dict[str, Any] = json.loads(body)
        token = answer.get("token") or answer.get("access_token")
        seconds = float(answer.get("expires_in") or SHORTEST)
    except (ValueError, AttributeError, TypeError):
        return None, 0
    if not isinstance(token, str) or not token or any(ord(char) <= 32 or ord(char) > 126 for char in token):
        return None, 0
    return token, max(1.0, min(seconds, 86400.0))
