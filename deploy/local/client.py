"""A client of the console's REST API as anyone would write it from its documentation. Standard library only."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

TERMINAL = ("succeeded", "failed", "errored", "cancelled")


class Unexpected(Exception):
    """An answer other than the one that was expected, with the console's own words."""


@dataclass(frozen=True)
class Answer:
    """One answer: status, headers in lower case, and the body read as JSON (None when there is none)."""

    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """One person's way in: a base address (`http://127.0.0.1:8000`) and a token."""

    def __init__(self, base: str, token: str, *, timeout: float = 30) -> None:
        self._base = base.rstrip("/")
        self._token = token
        self._timeout = timeout

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        expect: int | tuple[int, ...],
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request; `path` lies under /api/v1 unless it begins with it.

        Raises Unexpected when the status is not `expect` (or one of it); OSError when the console does not answer.
        """
        answer = self._send(method, path, body, headers or {})
        if answer.status not in (expect if isinstance(expect, tuple) else (expect,)):
            raise Unexpected(f"{method} {path}: {answer.status} instead of {expect}: {_words(answer.body)}")
        return answer

    def get(self, path: str) -> Any:
        """GET a resource that is there."""
        return self.ask("GET", path, expect=200).body

    def listed(self, path: str) -> list[Any]:
        """GET a whole list, page by page."""
        items: list[Any] = []
        following: str | None = path
        while following:
            page = self.get(following)
            items += page["items"]
            following = page["next"]
        return items

    def start(self, method: str, path: str, body: Any) -> str:
        """Start work; give the name of its operation."""
        name: str = self.ask(method, path, body, expect=202).body["id"]
        return name

    def wait(self, operation: str, *, within: float = 300, state: str = "succeeded") -> Any:
        """Wait until the operation ended as `state`, and give it.

        Raises Unexpected when it ended otherwise (with its outcome) or did not end `within` that many seconds.
        """
        until = time.monotonic() + within
        while True:
            shown = self.get(f"/operations/{operation}")
            if shown["state"] in TERMINAL:
                break
            if time.monotonic() > until:
                raise Unexpected(f"{operation} is still {shown['state']} after {within:.0f} s: {_step(shown)}")
            time.sleep(0.3)
        if shown["state"] != state:
            outcome = shown["outcome"] or {}
            raise Unexpected(
                f"{operation} ({shown['kind']}) {shown['state']}: {outcome.get('detail')} at {_step(shown)}"
            )
        return shown

    def run(self, path: str, body: Any, *, method: str = "POST", within: float = 300) -> Any:
        """Start work and wait for its success."""
        return self.wait(self.start(method, path, body), within=within)

    def refused(self, method: str, path: str, body: Any, *, status: int, code: str) -> Any:
        """Expect a refusal with that status and code, and give the problem document."""
        answer = self.ask(method, path, body, expect=status)
        if answer.body["code"] != code:
            raise Unexpected(f"{method} {path}: {answer.body['code']} instead of {code}")
        return answer.body

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        if address.startswith("http"):
            raise ValueError("addresses are paths of this console")
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **headers}
        if data is not None:
            sent["Content-Type"] = "application/json"
        if method == "POST":
            sent.setdefault("Idempotency-Key", str(uuid.uuid4()))
        request = urllib.request.Request(self._base + address, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                return _answer(answer.status, dict(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, dict(error.headers.items()), error.read())


def _answer(status: int, headers: dict[str, str], content: bytes) -> Answer:
    lowered = {name.lower(): value for name, value in headers.items()}
    body = json.loads(content) if content and "json" in lowered.get("content-type", "") else None
    return Answer(status, lowered, body)


def _words(body: Any) -> str:
    if not isinstance(body, dict):
        return "no problem document"
    errors = "; ".join(f"{e['pointer']}: {e['code']}" for e in body.get("errors") or [])
    return f"{body.get('code')}: {body.get('detail')} {errors}".strip()


def _step(shown: dict[str, Any]) -> str:
    for step in shown["steps"]:
        if step["state"] in ("running", "failed"):
            return f"{step['key']}: {step.get('message')}"
    return "no step"
