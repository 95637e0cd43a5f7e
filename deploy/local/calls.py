"""One small HTTPS client for the platform's own needs: an address, an authority to trust, a header that signs in."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """Calls one HTTPS server on this machine; a connection per call, safe from many threads."""

    def __init__(self, host: str, port: int, *, ca_pem: str, authorization: str | None, timeout: float = 30) -> None:
        self.host = host
        self.port = port
        self.authorization = authorization
        self.timeout = timeout
        self.context = ssl.create_default_context(cadata=ca_pem)

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; OSError or http.client.HTTPException when there is no whole answer."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.context)
        sent = dict(headers or {})
        if self.authorization is not None:
            sent["Authorization"] = self.authorization
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()
