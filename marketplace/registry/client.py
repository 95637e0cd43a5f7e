"""One registry over the OCI distribution API (`distribution-spec` 1.1): what it is asked, and what its refusals mean.

An answer 401 renews the token and repeats the request once; 429 and 5xx are tried again after a pause (`Retry-After`
is obeyed up to 30 s) and then become Unreachable, so that an operation waits for a registry that is ill.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from console.kit.errors import Rejected, Unreachable, WaybillError
from marketplace.registry import manifests
from marketplace.registry.auth import TOKENS, Authenticator, TokenCache
from marketplace.registry.manifests import Descriptor, Manifest
from marketplace.registry.wire import (
    BUSY,
    REDIRECTS,
    Answer,
    Body,
    Hooks,
    Place,
    Stream,
    Wire,
    ill,
    read_all,
    read_retry_after,
)

ATTEMPTS = 5
LONGEST_PAUSE = 30.0
"""Seconds waited inside one request; an operation waits without a worker for longer."""
_UNKNOWN_METHOD = frozenset({405, 501})
_FULL = ("no space left", '"err":28', "insufficient storage", "quota", "exceed the configured upper limit")


@dataclass(frozen=True)
class Head:
    """What a registry says about a manifest without sending it."""

    digest: str
    media_type: str
    size: int


def pull(repository: str) -> str:
    """The token scope for reading a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """The token scope for writing a repository."""
    return f"repository:{repository}:pull,push"


def clean(repository: str) -> str:
    """The token scope for removing from a repository."""
    return f"repository:{repository}:delete,pull,push"


class Registry:
    """One registry, with one account and one set of token scopes, asked for in one go."""

    def __init__(
        self,
        place: Place,
        *,
        scopes: Iterable[str] = (),
        hooks: Hooks | None = None,
        cache: TokenCache = TOKENS,
        own: bool = False,
    ) -> None:
        """`own`: on connections opened for it alone."""
        self.place = place
        self.scopes = frozenset(scopes)
        self.wire = Wire(place, hooks or Hooks(), own=own)
        self._lists_referrers = True
        self._auth = Authenticator(
            place.endpoint,
            place.user,
            place.password,
            plain_http=place.plain_http,
            scopes=self.scopes,
            fetch=self.wire.fetch,
            cache=cache,
        )

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    # --- asking ----------------------------------------------------------------------------------------------------

    def ping(self) -> None:
        """Sign in. Raises Rejected registry_refused_login, registry_failed when nothing there speaks this API."""
        answer = self._call("GET", "/v2/")
        if answer.status != 200:
            raise self._failed(answer)

    def head(self, repository: str, wanted: str, *, image: str) -> Head | None:
        """Look whether a manifest is there, by tag or digest; None when it is not.

        A registry (or what stands before it) that knows no HEAD is asked for the manifest itself.
        """
        target, headers = f"/v2/{repository}/manifests/{wanted}", {"Accept": manifests.ACCEPT}
        answer = self._call("HEAD", target, headers)
        if answer.status in _UNKNOWN_METHOD:
            answer = self._call("GET", target, headers)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._denied_reading(answer, image)
        size = answer.header("Content-Length")
        digest = answer.header("Docker-Content-Digest")
        if answer.body:
            digest = manifests.digest_of(answer.body, wanted.partition(":")[0] if ":" in wanted else "sha256")
        media_type = answer.header("Content-Type").partition(";")[0].strip()
        return Head(digest, media_type, int(size) if size.isdigit() else 0)

    def manifest(self, repository: str, wanted: str, *, image: str, digest: str | None = None) -> Manifest:
        """Get a manifest by tag or digest, its bytes checked against the digest where one is known.

        Raises Rejected image_not_found, image_denied, digest_mismatch, image_unsupported.
        """
        answer = self._call("GET", f"/v2/{repository}/manifests/{wanted}", {"Accept": manifests.ACCEPT})
        if answer.status == 404:
            raise Rejected("image_not_found", image=image)
        if answer.status != 200:
            raise self._denied_reading(answer, image)
        expected = digest or (wanted if ":" in wanted else None)
        return manifests.read(answer.body, media_type=answer.header("Content-Type"), image=image, digest=expected)

    def has_blob(self, repository: str, digest: str) -> bool:
        """Tell whether the repository holds a blob (a redirect says that it lies elsewhere, so yes)."""
        answer = self._call("HEAD", f"/v2/{repository}/blobs/{digest}")
        if answer.status in _UNKNOWN_METHOD:
            return self._gives_blob(repository, digest)
        if answer.status == 404:
            return False
        if answer.status == 200 or answer.status in REDIRECTS:
            return True
        raise self._denied_writing(answer, repository)

    def _gives_blob(self, repository: str, digest: str) -> bool:
        """The same where HEAD is not known: ask for the blob and turn away as soon as it comes."""
        try:
            with self.blob(repository, digest, image=repository):
                return True
        except Rejected as error:
            if error.code != "image_not_found":
                raise
            return False

    def small_blob(self, repository: str, descriptor: Descriptor, *, image: str) -> bytes:
        """Get a small blob (an image's config) whole, checked. Raises like `manifest`."""
        with self.blob(repository, descriptor.digest, image=image) as response:
            raw = read_all(response, self.place.address)
        if not manifests.matches(raw, descriptor.digest):
            raise Rejected("digest_mismatch", image=image)
        return raw

    @contextlib.contextmanager
    def blob(self, repository: str, digest: str, *, image: str, offset: int = 0) -> Iterator[http.client.HTTPResponse]:
        """Open a blob for reading from byte `offset` on; the answer's status tells whether the offset was honoured.

        Follows at most three redirects, without credentials. Raises Rejected image_not_found, image_denied.
        """
        target = f"/v2/{repository}/blobs/{digest}"
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        for attempt in range(ATTEMPTS):
            with self._signed(target, headers) as response:
                if response.status in {200, 206}:
                    yield response
                    return
                location = response.headers.get("Location", "")
                answer = Answer(response.status, response.headers, read_all(response, self.place.address))
            if answer.status in REDIRECTS and location:
                with self.wire.elsewhere(location, target, headers) as response:
                    if response.status in {200, 206}:
                        yield response
                        return
                    answer = Answer(response.status, response.headers, b"")
            self._again_or_raise(answer, attempt, image)

    @contextlib.contextmanager
    def _signed(self, target: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        sent = self._auth.header()
        with self.wire.exchange("GET", target, _with(headers, sent)) as response:
            if response.status != 401:
                yield response
                return
            read_all(response, self.place.address)
            challenge = ", ".join(response.headers.get_all("WWW-Authenticate") or [])
        renewed = self._auth.answer(challenge, sent)
        with self.wire.exchange("GET", target, _with(headers, renewed)) as response:
            yield response

    def _again_or_raise(self, answer: Answer, attempt: int, image: str) -> None:
        if answer.status == 404:
            raise Rejected("image_not_found", image=image)
        if answer.status not in BUSY:
            raise self._denied_reading(answer, image)
        self._pause(answer, attempt)

    def referrers(self, repository: str, digest: str) -> dict[str, dict[str, Any]]:
        """List what refers to a manifest (signatures, bills of materials) by digest; nothing where none are offered.

        A registry without the referrers API is asked for the tag that stands in for it.
        """
        if self._lists_referrers:
            answer = self._call("GET", f"/v2/{repository}/referrers/{digest}", {"Accept": manifests.OCI_INDEX})
            if answer.status == 200:
                return manifests.referrers_of(answer.body)
            self._lists_referrers = False
        answer = self._call("GET", f"/v2/{repository}/manifests/{fallback_tag(digest)}", {"Accept": manifests.ACCEPT})
        return manifests.referrers_of(answer.body) if answer.status == 200 else {}

    # --- writing ---------------------------------------------------------------------------------------------------

    def mount(self, repository: str, digest: str, source: str) -> str | None:
        """Let the repository hold a blob that `source`, a repository of the same registry, holds.

        None when that worked; else the address of the upload that the registry opened instead, or that was opened
        because it would not hear of mounting (which some refuse where they ought to open one).
        """
        query = urlencode({"mount": digest, "from": source})
        answer = self._call("POST", f"/v2/{repository}/blobs/uploads/?{query}")
        if answer.status == 201:
            return None
        return self._upload_address(answer, repository) if answer.status == 202 else self.open_upload(repository)

    def open_upload(self, repository: str) -> str:
        """Open an upload and give its address. Raises Rejected registry_refused_push, registry_full."""
        return self._upload_address(self._call("POST", f"/v2/{repository}/blobs/uploads/"), repository)

    def _upload_address(self, answer: Answer, repository: str) -> str:
        if answer.status != 202 or not answer.header("Location"):
            raise self._denied_writing(answer, repository)
        # Only path and query count: what is uploaded goes to this registry, whatever host it believes to have.
        parts = urlsplit(urljoin(f"{self.place.url}/v2/{repository}/blobs/uploads/", answer.header("Location")))
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def upload(self, address: str, repository: str, digest: str, body: Stream, *, image: str) -> None:
        """Send a whole blob in one request to an opened upload.

        Raises Rejected registry_refused_push, registry_full, digest_mismatch (the registry's own check); Unreachable
        when it should be tried again from the first byte.
        """
        target = f"{address}{'&' if '?' in address else '?'}{urlencode({'digest': digest})}"
        with self.wire.exchange("PUT", target, _with({}, self._auth.header()), body) as response:
            answer = Answer(response.status, response.headers, read_all(response, self.place.address))
        told = answer.header("Docker-Content-Digest")
        if answer.status == 201 and (not told or told == digest):
            return
        if answer.status == 201 or "DIGEST_INVALID" in _codes(answer):
            raise Rejected("digest_mismatch", image=image)
        if (answer.status in BUSY or answer.status == 401) and not self._is_full(answer):
            raise ill(self.place.address, answer.status, answer.header("Retry-After"))
        raise self._denied_writing(answer, repository)

    def abandon_upload(self, address: str) -> None:
        """Tell the registry that an upload will not be finished; failing at it harms nobody, since uploads expire."""
        with contextlib.suppress(WaybillError):
            self._call("DELETE", address)

    def put_manifest(self, repository: str, wanted: str, manifest: Manifest, *, image: str) -> Answer:
        """Put the raw bytes of a manifest under a digest or a tag.

        Raises Rejected registry_refused_push, registry_full, digest_mismatch when the registry names it otherwise.
        """
        headers = {"Content-Type": manifest.media_type}
        answer = self._call("PUT", f"/v2/{repository}/manifests/{wanted}", headers, manifest.raw)
        if answer.status not in {200, 201, 202}:
            raise self._denied_writing(answer, repository)
        told = answer.header("Docker-Content-Digest")
        if told and told != manifest.digest:
            raise Rejected("digest_mismatch", image=image)
        return answer

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Remove a manifest; False when the registry does not let things be removed (many do not)."""
        return self._call("DELETE", f"/v2/{repository}/manifests/{digest}").status in {200, 202, 404}

    # --- one request -----------------------------------------------------------------------------------------------

    def _call(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: Body = None) -> Answer:
        for attempt in range(ATTEMPTS):
            try:
                answer = self._once(method, target, headers or {}, body)
            except Unreachable as error:
                if attempt >= 2 or (error.retry_after or 0) > LONGEST_PAUSE:
                    raise
                self.wire.hooks.pause(error.retry_after or _wait(attempt))
                continue
            if answer.status not in BUSY:
                return answer
            if self._is_full(answer):
                raise Rejected("registry_full", registry=self.place.address)
            self._pause(answer, attempt)
        raise AssertionError("the last attempt raises")

    def _once(self, method: str, target: str, headers: Mapping[str, str], body: Body) -> Answer:
        sent = self._auth.header()
        answer = self._plain(method, target, _with(headers, sent), body)
        if answer.status != 401:
            return answer
        challenge = ", ".join(answer.headers.get_all("WWW-Authenticate") or [])
        renewed = self._auth.answer(challenge, sent)
        if renewed is None:
            if self.place.user is None:
                return answer
            raise self._refused_login()
        answer = self._plain(method, target, _with(headers, renewed), body)
        if answer.status == 401 and renewed.startswith("Basic"):
            raise self._refused_login()
        return answer

    def _plain(self, method: str, target: str, headers: Mapping[str, str], body: Body) -> Answer:
        with self.wire.exchange(method, target, headers, body) as response:
            return Answer(response.status, response.headers, read_all(response, self.place.address))

    def _pause(self, answer: Answer, attempt: int) -> None:
        asked = answer.header("Retry-After")
        wait = read_retry_after(asked)
        if attempt + 1 >= ATTEMPTS or (wait is not None and wait > LONGEST_PAUSE):
            raise ill(self.place.address, answer.status, asked)
        self.wire.hooks.pause(_wait(attempt) if wait is None else wait)

    # --- refusals --------------------------------------------------------------------------------------------------

    def _refused_login(self) -> Rejected:
        return Rejected("registry_refused_login", registry=self.place.address, user=self.place.user or "")

    def _failed(self, answer: Answer) -> Rejected:
        return Rejected("registry_failed", registry=self.place.address, status=answer.status)

    def _denied_reading(self, answer: Answer, image: str) -> Rejected:
        if answer.status in {401, 403}:
            return Rejected("image_denied", image=image)
        return self._failed(answer)

    def _denied_writing(self, answer: Answer, repository: str) -> Rejected:
        address = self.place.address
        if self._is_full(answer):
            return Rejected("registry_full", registry=address)
        if answer.status in {401, 403, 404, 405, 413}:
            return Rejected("registry_refused_push", registry=address, repository=repository)
        return self._failed(answer)

    def _is_full(self, answer: Answer) -> bool:
        words = answer.body[:4096].decode("utf-8", "replace").lower()
        return answer.status == 507 or (answer.status >= 400 and any(word in words for word in _FULL))


def fallback_tag(digest: str) -> str:
    """The tag that lists referrers where a registry has no API for them (distribution-spec, referrers tag schema)."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm}-{encoded[:64]}"


def _with(headers: Mapping[str, str], authorization: str | None) -> dict[str, str]:
    return {**headers, "Authorization": authorization} if authorization else dict(headers)


def _wait(attempt: int) -> float:
    # Spread, so that many clients do not come back in step; nobody gains from guessing it.
    return float(0.3 * 2**attempt * random.uniform(0.7, 1.3))  # noqa: S311


def _codes(answer: Answer) -> set[str]:
    try:
        body: dict[str, Any] = json.loads(answer.body)
        return {str(entry.get("code")) for entry in body.get("errors") or []}
    except (ValueError, AttributeError):
        return set()
