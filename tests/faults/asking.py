"""Somebody who asks a console by REST that may break at any moment: the same again, with the same key, until there is
an answer, each time at the next web process. What was accepted is written down."""

from __future__ import annotations

import http.client
import itertools
import json
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deploy.local.client import TERMINAL

AGAIN = 0.5
"""Seconds until what was not answered, or refused for a while, is asked again."""
PATIENCE = 240
"""Seconds after which somebody who gets no answer gives up: that is a finding."""
NOT_NOW = {"cluster_unreachable", "environment_not_ready"}
"""Refusals that say: not as long as the cluster is away."""


class Refusal(Exception):
    """The console said no."""

    def __init__(self, what: str, status: int, body: Any) -> None:
        super().__init__(f"{what}: {status} {body}")
        said: dict[str, Any] = body if isinstance(body, dict) else {}
        self.status = status
        self.code: str | None = said.get("code")
        self.blocking: dict[str, Any] = said.get("blocking_operation") or {}


@dataclass(frozen=True)
class Wish:
    """One wish that was accepted: its key (none where the address takes none), its operation, what became of it."""

    key: str
    operation: str
    kind: str
    app: str
    state: str = ""
    outcome: str = ""


@dataclass
class Asker:
    """One person's token at all web processes. Wishes and answers may be shared with others."""

    urls: Sequence[str]
    token: str
    wishes: list[Wish] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """Ask until there is an answer, and give its body.

        Raises Refusal, and TimeoutError when nothing is answered for minutes.
        """
        end = time.monotonic() + PATIENCE
        for number in itertools.count():
            status, answer = self._once(self.urls[number % len(self.urls)], method, path, body, key)
            code = (answer or {}).get("code") if status >= 400 or not status else None
            self.answers[f"{status} {code}" if code else f"{status}"] += 1
            if status in {0, 503} or code in NOT_NOW:
                if time.monotonic() > end:
                    raise TimeoutError(f"{method} {path}: no answer for {PATIENCE} s, lastly {status} {answer}")
                time.sleep(AGAIN)
            elif status >= 400:
                raise Refusal(f"{method} {path}", status, answer)
            else:
                return answer
        raise AssertionError("it asks for ever")

    def _once(self, url: str, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
        try:
            return send(url, self.token, method, path, body, key)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return 0, {"code": type(error).__name__}

    def do(self, method: str, path: str, body: Any, kind: str, app: str) -> Wish:
        """Have a wish accepted, wait for its end, and write down what became of it."""
        wish = self._accepted(method, path, body, kind, app)
        self.wishes.append(wish)
        shown = self.wait(wish.operation)
        said = shown["outcome"] or {}
        done = replace(wish, state=shown["state"], outcome=json.dumps(said, ensure_ascii=False))
        self.wishes[self.wishes.index(wish)] = done
        return done

    def wait(self, operation: str) -> Any:
        """Wait for an operation's end, and give it."""
        while True:
            shown = self.ask("GET", f"/operations/{operation}")
            if shown["state"] in TERMINAL:
                return shown
            time.sleep(AGAIN)

    def _accepted(self, method: str, path: str, body: Any, kind: str, app: str) -> Wish:
        """Have it accepted once, however often it has to be said. A DELETE has no key: the second meets the first."""
        if method != "DELETE":
            key = str(uuid.uuid4())
            return Wish(key, self.ask(method, path, body, key)["id"], kind, app)
        try:
            return Wish("", self.ask(method, path)["id"], kind, app)
        except Refusal as refusal:
            if refusal.code == "operation_in_progress":
                return Wish("", refusal.blocking["id"], kind, app)
            if refusal.status != 404:
                raise
            told = self.ask("GET", f"/operations?kind={kind}&limit=200")["items"]
            (name,) = [one["id"] for one in told if one["subject"]["href"].endswith(f"/apps/{app}")]
            return Wish("", name, kind, app)


def send(url: str, token: str, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
    """Send one request; status and answer. OSError or HTTPException when there is no whole answer."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    if method == "POST":
        headers["Idempotency-Key"] = key or str(uuid.uuid4())
    request = urllib.request.Request(f"{url}/api/v1{path}", data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
        return error.code, json.loads(text) if "json" in (error.headers["content-type"] or "") else None
