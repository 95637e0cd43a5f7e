"""A Docker engine, asked for its images: one is looked at and saved. It never tags, pushes, or signs in anywhere.

Which engine that is say the console's settings alone; nobody types an address. Whoever reaches an engine owns its
machine, so an address is spoken to over TLS with certificates of both sides, and a socket is one of this machine.
"""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import requests
from docker.api import APIClient
from docker.errors import APIError, DockerException, ImageNotFound
from docker.tls import TLSConfig

from console.kit.errors import Rejected, Unreachable, WaybillError
from console.kit.points import point

ANSWER_SECONDS = 15
SAVE_SECONDS = 900
"""An engine packs a whole image before it sends the first byte of it."""
PIECE = 1024 * 1024
_ID = re.compile(r"sha256:[0-9a-f]{64}")
_WORDS = 300
_REASONS = {
    errno.ENOENT: "no_socket",
    errno.ENOTSOCK: "no_socket",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
}


@dataclass(frozen=True)
class Found:
    """An image of the engine: its id, which is the digest of its config or of its manifest, and its size in bytes."""

    id: str
    size: int


class _Client(APIClient):
    """The SDK's client, which goes to its engine directly: no proxy and no password file of the environment counts."""

    @property
    def trust_env(self) -> bool:
        """Never."""
        return False

    @trust_env.setter
    def trust_env(self, _value: bool) -> None:
        """Not to be set."""


class Engine:
    """One engine. Used by one thread."""

    def __init__(self, host: str, certificates: Path | None = None, *, user_agent: str = "waybill") -> None:
        self.host = host
        self._certificates = certificates
        self._user_agent = user_agent
        self._client: _Client | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def find(self, reference: str) -> Found:
        """Look an image up by name, name and digest, or id.

        Raises Rejected docker_image_missing, docker_failed, tls_not_trusted; Unreachable docker_unreachable.
        """
        with self._asking(reference) as client:
            answer: dict[str, Any] = client.inspect_image(reference)  # type: ignore[no-untyped-call]
        told, size = str(answer.get("Id") or ""), answer.get("Size")
        if not _ID.fullmatch(told) or not isinstance(size, int):
            raise Rejected("docker_failed", docker=self.host, words="no id")
        return Found(told, size)

    def save(self, found: Found, file: IO[bytes], *, image: str, limit: int, told: Callable[[int], None]) -> None:
        """Write the archive of an image into a file, as it comes. `told` hears the bytes so far, and may raise.

        By its id, so that it is one image and the one that was found. Raises what `find` does; Rejected
        docker_image_too_large beyond `limit` bytes, docker_no_room.
        """
        done = 0
        with self._asking(image) as client:
            client.timeout = SAVE_SECONDS
            for piece in client.get_image(found.id, chunk_size=PIECE):
                done += len(piece)
                if done > limit:
                    raise Rejected("docker_image_too_large", image=image, limit=limit)
                _keep(file, piece, image)
                point("docker", f"save {image}", "after")
                told(done)

    @contextmanager
    def _asking(self, image: str) -> Iterator[_Client]:
        try:
            yield self._connected()
        except ImageNotFound as error:
            raise Rejected("docker_image_missing", image=image) from error
        except APIError as error:
            words = str(error.explanation or error.response.reason if error.response is not None else error)
            raise Rejected("docker_failed", docker=self.host, words=words[:_WORDS]) from error
        except (DockerException, requests.RequestException) as error:
            raise self._failure(error) from error

    def _connected(self) -> _Client:
        if self._client is None:
            self._client = _Client(
                self.host, version="auto", timeout=ANSWER_SECONDS, tls=self._tls(), user_agent=self._user_agent
            )
        return self._client

    def _tls(self) -> TLSConfig | bool:
        if self._certificates is None:
            return False
        own = (str(self._certificates / "cert.pem"), str(self._certificates / "key.pem"))
        return TLSConfig(client_cert=own, ca_cert=str(self._certificates / "ca.pem"), verify=True)

    def _failure(self, error: Exception) -> WaybillError:
        """Tell what is away, which is waited for, from what will not change by waiting."""
        found = list(_chain(error))
        for one in found:
            if isinstance(one, requests.exceptions.SSLError):
                return Rejected("tls_not_trusted", host=self.host, reason=_tls_words(one))
            if isinstance(one, APIError):
                return Rejected("docker_failed", docker=self.host, words=str(one.explanation or one)[:_WORDS])
        away = (requests.ConnectionError, requests.Timeout, OSError)
        if any(isinstance(one, away) for one in found):
            return Unreachable("docker_unreachable", docker=self.host, reason=_reason(found))
        return Rejected("docker_failed", docker=self.host, words=str(error)[:_WORDS])


def _keep(file: IO[bytes], piece: bytes, image: str) -> None:
    try:
        file.write(piece)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise Rejected("docker_no_room", image=image) from error
        raise


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and all that it came from: the client's libraries wrap one another's."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]


def _reason(chain: list[BaseException]) -> str:
    for one in chain:
        if isinstance(one, socket.gaierror):
            return "name_unknown"
        if isinstance(one, TimeoutError | requests.Timeout):
            return "timed_out"
        if isinstance(one, OSError) and one.errno in _REASONS:
            return _REASONS[one.errno]
    return "no_answer"


def _tls_words(error: BaseException) -> str:
    for one in _chain(error):
        words = getattr(one, "verify_message", None) or getattr(one, "reason", None)
        if isinstance(words, str):
            return words.replace("_", " ").lower()
    return "no trust"
