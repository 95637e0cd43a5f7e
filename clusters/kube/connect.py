"""Making clients: with a cluster's own credential, or with the key of one environment.

Lines to clusters are shared by the whole process and the least recently used ones are closed. Tokens of keys live in
memory only.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clusters.kube.channel import Channel, tls_context
from clusters.kube.client import Client
from clusters.kube.errors import Absent, CredentialsRefused
from clusters.kube.protocol import Guard
from clusters.kube.sender import Fixed
from clusters.manifests import names
from clusters.models import Cluster, Environment
from operations.models import Fence
from operations.models.fence import FIRST_GENERATION

CHANNELS = 256
TOKEN_SECONDS = 3600
RENEW_AT = 0.8
SETTLING_SECONDS = 2.0

_channels: OrderedDict[tuple[str, str], Channel] = OrderedDict()
_channels_lock = threading.Lock()


def _channel(endpoint: str, ca_pem: str, credential: dict[str, str]) -> Channel:
    """Give the shared line for an endpoint, CA and client certificate, making it when there is none."""
    certificate, key = credential.get("certificate", ""), credential.get("key", "")
    print_ = hashlib.sha256("\0".join((ca_pem, certificate, key)).encode()).hexdigest()
    with _channels_lock:
        found = _channels.get((endpoint, print_))
        if found is not None:
            _channels.move_to_end((endpoint, print_))
            return found
    made = Channel(endpoint, tls_context(ca_pem, certificate, key))
    with _channels_lock:
        channel = _channels.setdefault((endpoint, print_), made)
        _channels.move_to_end((endpoint, print_))
        dropped = [_channels.popitem(last=False)[1] for _ in range(len(_channels) - CHANNELS)]
    for old in dropped:
        old.close()
    return channel


def close_all() -> None:
    """Close every idle connection and forget every token: at the end of a process, and between tests."""
    with _channels_lock:
        channels = list(_channels.values())
        _channels.clear()
    for channel in channels:
        channel.close()
    with _tokens_lock:
        _tokens.clear()


def for_parts(name: str, endpoint: str, ca_pem: str, credential: dict[str, str]) -> Client:
    """Give a client for a cluster that is not connected yet, on a line of its own; the caller closes `client.channel`.

    Raises Invalid address_denied for an address that is not https or may not be reached, and ssl.SSLError when CA,
    certificate or key cannot be read.
    """
    context = tls_context(ca_pem, credential.get("certificate", ""), credential.get("key", ""))
    return Client(Channel(endpoint, context), Fixed(credential.get("token", "")), name)


def for_cluster(cluster: Cluster) -> Client:
    """Give a client with the cluster's own credential: for checks, preparing, take-overs and observing.

    Raises SecretLost when the credential's key is not configured.
    """
    credential = cluster.credential()
    channel = _channel(cluster.endpoint, cluster.ca_pem, credential)
    return Client(channel, Fixed(credential.get("token", "")), cluster.name)


def for_environment(environment: Environment, generation: int | None = None) -> Client:
    """Give a client with the environment's key: for everything that delivers.

    The generation is the given one, else the running operation's once `bound` to it, else the one in the rows. Never
    over a line with a client certificate: there the certificate would speak, not the key.
    """
    cluster = environment.cluster
    issuer = for_cluster(cluster)
    channel = _channel(cluster.endpoint, cluster.ca_pem, {})
    read = (lambda: current_generation(environment.pk)) if generation is None else (lambda: generation)
    return Client(channel, Key(environment, issuer, read), cluster.name)


def for_work(environment: Environment, work: Guard, step: str = "") -> Client:
    """Give a client with the environment's key, bound to a running operation and one of its steps."""
    return for_environment(environment).bound(work, step)


def current_generation(environment_id: uuid.UUID) -> int:
    """Read the generation of an environment's key."""
    row = Fence.objects.filter(environment_id=environment_id).values_list("generation", flat=True).first()
    return FIRST_GENERATION if row is None else row


@dataclass(frozen=True)
class _Token:
    value: str
    made_at: float
    renew_at: float


_tokens: dict[tuple[uuid.UUID, int], _Token] = {}
_tokens_lock = threading.Lock()
_asking: dict[tuple[uuid.UUID, int], threading.Lock] = {}


class Key:
    """The identity of an environment's key. One token per generation and process, renewed at 80 % of its life."""

    def __init__(self, environment: Environment, issuer: Client, generation: Callable[[], int]) -> None:
        self.environment = environment
        self.issuer = issuer
        self.generation = generation
        self._sent = threading.local()

    def bound(self, guard: Guard, step: str) -> Key:
        """Give the identity whose generation is the operation's, and whose tokens are asked for under its guard."""
        return Key(self.environment, self.issuer.bound(guard, step), lambda: guard.generation)

    def headers(self) -> dict[str, str]:
        """Give the bearer token, asking the cluster for one when there is none or it is due."""
        generation = self.generation()
        token = self._token(generation)
        self._sent.generation, self._sent.token = generation, token
        return {"Authorization": f"Bearer {token.value}"}

    def refused(self, status: int) -> bool:
        """Hear a refusal; true when the next try may succeed: the key was replaced, or its binding is seconds old."""
        generation, token = self._sent.generation, self._sent.token
        if self.generation() != generation:
            return True
        settling = time.monotonic() - token.made_at < SETTLING_SECONDS
        if status == 401 and not settling:
            self.forget(generation)
            return True
        return status == 403 and settling

    def forget(self, generation: int) -> None:
        """Drop the cached token of a generation."""
        with _tokens_lock:
            _tokens.pop((self.environment.pk, generation), None)

    def _token(self, generation: int) -> _Token:
        key = (self.environment.pk, generation)
        with _tokens_lock:
            found = _tokens.get(key)
            lock = _asking.setdefault(key, threading.Lock())
        if found is not None and time.monotonic() < found.renew_at:
            return found
        with lock:
            with _tokens_lock:
                found = _tokens.get(key)
            if found is not None and time.monotonic() < found.renew_at:
                return found
            return self._ask(generation)

    def _ask(self, generation: int) -> _Token:
        account = names.key(self.environment.slug, generation)
        try:
            status = self.issuer.token(account, names.SYSTEM_NAMESPACE, seconds=TOKEN_SECONDS)
        except Absent as error:
            if self.generation() != generation:  # replaced meanwhile: the guard of the request above has read it again
                return self._token(self.generation())
            raise CredentialsRefused(self.environment.cluster.name) from error
        now = time.monotonic()
        token = _Token(str(status["token"]), now, now + RENEW_AT * _life(status))
        with _tokens_lock:
            for old in [k for k in _tokens if k[0] == self.environment.pk and k[1] < generation]:
                del _tokens[old]
                _asking.pop(old, None)
            _tokens[(self.environment.pk, generation)] = token
        return token


def _life(status: dict[str, Any]) -> float:
    """Give the seconds a token lives. The server may shorten it; a clock that is far off is not believed."""
    ends = datetime.fromisoformat(str(status["expirationTimestamp"]).replace("Z", "+00:00"))
    left = (ends - datetime.now(UTC)).total_seconds()
    return left if 60 <= left <= TOKEN_SECONDS else TOKEN_SECONDS / 6


def forget_key(environment: Environment) -> None:
    """Drop every token of an environment's keys from this process's memory."""
    with _tokens_lock:
        for known in [known for known in _tokens if known[0] == environment.pk]:
            del _tokens[known]
            _asking.pop(known, None)
