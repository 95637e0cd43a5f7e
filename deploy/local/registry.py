"""A client for pushing to a registry by its HTTP interface: what the demo and the tests need, no more."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from deploy.local.calls import Answer, Caller
from deploy.local.plan import PlatformError, RegistryFacts

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Registry:
    """A registry and an account that may push to it."""

    address: str
    ca_pem: str
    user: str | None
    password: str | None

    @classmethod
    def of(cls, facts: RegistryFacts) -> Registry:
        """The registry of a platform, by its pushing account."""
        return cls(facts.address, facts.ca_pem, facts.user, facts.password)

    @cached_property
    def caller(self) -> Caller:
        """The connection maker, signed in."""
        host, _, port = self.address.rpartition(":")
        authorization = None
        if self.user is not None:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            authorization = f"Basic {pair}"
        return Caller(host, int(port), ca_pem=self.ca_pem, authorization=authorization)

    def answers(self) -> bool:
        """Whether it is there and lets this account in."""
        try:
            return self.caller.call("GET", "/v2/").status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def has(self, repository: str, digest: str) -> bool:
        """Whether a blob is in a repository."""
        return self.caller.call("HEAD", f"/v2/{repository}/blobs/{digest}").status == http.client.OK

    def push_blob(self, repository: str, content: bytes) -> str:
        """Push one blob unless it is there; its digest. PlatformError when refused."""
        digest = sha256(content)
        if self.has(repository, digest):
            return digest
        begun = self._expect(202, "POST", f"/v2/{repository}/blobs/uploads/")
        where = urlsplit(begun.headers["location"])
        path = f"{where.path}?{where.query}&digest={digest}" if where.query else f"{where.path}?digest={digest}"
        self._expect(201, "PUT", path, content, {"Content-Type": "application/octet-stream"})
        return digest

    def push_manifest(self, repository: str, reference: str, manifest: Mapping[str, object], media_type: str) -> str:
        """Push a manifest or index under a tag or its digest; its digest. PlatformError when refused."""
        content = encode(manifest)
        digest = sha256(content)
        path = f"/v2/{repository}/manifests/{reference or digest}"
        self._expect(201, "PUT", path, content, {"Content-Type": media_type})
        return digest

    def manifest(self, repository: str, reference: str) -> Answer:
        """Read a manifest or index as it is stored."""
        accept = f"{INDEX}, {MANIFEST}"
        return self._expect(200, "GET", f"/v2/{repository}/manifests/{reference}", None, {"Accept": accept})

    def _expect(
        self, status: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = self.caller.call(method, path, body, headers)
        if answer.status != status:
            raise PlatformError(f"{method} {path}: {answer.status} {answer.body[:200].decode(errors='replace')}")
        return answer


def sha256(content: bytes) -> str:
    """The digest of some bytes as registries write it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def encode(value: Mapping[str, object]) -> bytes:
    """A JSON document as bytes, always the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
