"""The people of a demo: made once, with random passwords, kept in one file that only its owner reads."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.local.authority import write_private
from deploy.local.client import Client, Unexpected
from deploy.local.visitor import Visitor

ADMIN = "admin"
ONE_TIME = "one-time"
TOKEN_LIFE = timedelta(hours=6)


@dataclass(frozen=True)
class Person:
    """Somebody of the demo, and the part they are meant to play in a team."""

    login: str
    name: str
    part: str


PEOPLE = (
    Person(ADMIN, "Admin", "enterprise admin: clusters, teams, registry"),
    Person("lilei", "李雷", "developer"),
    Person("hanmei", "韩梅", "tester"),
    Person("zhaomin", "赵敏", "delivery"),
)


class People:
    """The passwords of a demo's people: ``login password`` a line, and the word one-time where it must be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def passwords(self) -> dict[str, tuple[str, bool]]:
        """What is kept: login → password, and whether it is for one use."""
        if not self.path.exists():
            return {}
        lines = [line.split() for line in self.path.read_text(encoding="utf-8").splitlines()]
        return {words[0]: (words[1], ONE_TIME in words[2:]) for words in lines if len(words) > 1}

    def keep(self, login: str, password: str, *, one_time: bool) -> None:
        """Keep a password, in the place of an earlier one."""
        kept = {**self.passwords(), login: (password, one_time)}
        lines = [f"{login} {word}{f' {ONE_TIME}' if once else ''}\n" for login, (word, once) in kept.items()]
        write_private(self.path, "".join(lines))

    def make(self, console: str, first_admin: Callable[[], str]) -> bool:
        """Make whoever is missing; ``first_admin`` makes the admin and gives the one-time password.

        Each gets a password of their own choice's kind: random, not for one use. Whether anyone was made. Interrupted,
        it goes on where it was. Raises visitor.Refused when the console refuses.
        """
        before = self.passwords()
        if ADMIN not in before:
            self.keep(ADMIN, first_admin(), one_time=True)
        admin = self._signed_in(console, ADMIN)
        for person in PEOPLE:
            if person.login not in self.passwords():
                body: dict[str, object] = {
                    "login": person.login,
                    "name": person.name,
                    "email": None,
                    "enterprise_roles": [],
                }
                made = admin.api("POST", "/users", body)
                self.keep(person.login, made["one_time_password"], one_time=True)
            if self.passwords()[person.login][1]:
                self._signed_in(console, person.login)
        return self.passwords() != before

    @contextmanager
    def tokens(self, console: str) -> Iterator[Callable[[str], str]]:
        """What gives an access token for a login; all of them are revoked at the end.

        Raises visitor.Refused for who has another password than the one kept, OSError when the console is away.
        """
        made: list[tuple[str, str]] = []
        end = datetime.now(UTC) + TOKEN_LIFE

        def token(login: str) -> str:
            visitor = self._signed_in(console, login)
            body = {"name": f"make demo {secrets.token_hex(2)}", "expires_at": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
            answer = visitor.api("POST", "/tokens", body)
            made.append((answer["prefix"], answer["token"]))
            return str(answer["token"])

        try:
            yield token
        finally:
            for prefix, text in made:
                with suppress(Unexpected, OSError):  # it ends by itself within hours
                    Client(console, text).ask("DELETE", f"/tokens/{prefix}", expect=204)

    def _signed_in(self, console: str, login: str) -> Visitor:
        """A browser in which the person is signed in, with the one-time password replaced."""
        password, one_time = self.passwords()[login]
        visitor = Visitor(console)
        visitor.sign_in(login, password)
        if one_time:
            chosen = secrets.token_urlsafe(15)
            visitor.change_password(password, chosen)
            self.keep(login, chosen, one_time=False)
        return visitor
