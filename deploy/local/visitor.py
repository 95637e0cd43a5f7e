"""A person's browser as far as the demo needs one: signs in, changes the password, uses the REST API."""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from typing import Any

_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Refused(RuntimeError):
    """The console did not do what was asked; the text says what it answered."""


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        """Follow nowhere: where a form leads says whether it was accepted."""


class Visitor:
    """One browser at one console; its cookies are forgotten with it."""

    def __init__(self, console: str) -> None:
        self.console = console
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), _Stay()
        )

    def sign_in(self, login: str, password: str) -> None:
        """Sign in. Raises Refused when the console does not know the pair."""
        self._submit("/auth/sign-in", login=login, password=password)

    def change_password(self, current: str, new: str) -> None:
        """Give oneself a new password. Raises Refused when it is not taken."""
        self._submit("/account/password", current=current, new=new)

    def api(self, method: str, path: str, body: Any) -> Any:
        """Call the REST API as the person; gives the answer's body. Raises Refused on any problem."""
        token = self._token("/account/password")
        headers = {"Content-Type": "application/json", "X-CSRFToken": token}
        status, text = self._send(method, f"/api/v1{path}", json.dumps(body).encode(), headers)
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}:
            raise Refused(f"{method} {path}: {status} {text[:300]}")
        return json.loads(text)

    def _submit(self, page: str, **fields: str) -> None:
        sent = urllib.parse.urlencode({"csrfmiddlewaretoken": self._token(page), **fields}).encode()
        status, _ = self._send("POST", page, sent, {"Content-Type": "application/x-www-form-urlencoded"})
        if status != HTTPStatus.FOUND:
            raise Refused(f"{page}: {status}")

    def _token(self, page: str) -> str:
        status, text = self._send("GET", page, None, {})
        found = _CSRF.search(text)
        if status != HTTPStatus.OK or found is None:
            raise Refused(f"{page}: {status}, no form")
        return found.group(1)

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str]:
        sent = {"Accept-Language": "en", "Origin": self.console, **headers}
        request = urllib.request.Request(self.console + path, data=body, headers=sent, method=method)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
