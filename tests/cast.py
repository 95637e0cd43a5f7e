"""The same few people everywhere, and how they call the API.

Two enterprises. In the first: an enterprise admin, a market admin, one person per team role in the team `shop`, a
neighbour in the team `depot`, and a loner in no team. In the second: a stranger who is everything there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from teams.models import Enterprise, Team, User
from teams.roles import ADMIN, MARKET_ADMIN, TEAM_ROLES
from tests.builders import add_member, make_enterprise, make_team, make_token, make_user

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

NOBODY = "nobody"


class Api:
    """The REST API as one person sees it: with their token, or without any."""

    def __init__(self, user: User | None, token: str | None = None) -> None:
        self.user = user
        self.token = token or (make_token(user)[1] if user else None)
        self.client = Client(raise_request_exception=False)

    def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **query: Any
    ) -> Answer:
        """Call one address; a path without a leading slash lies under /api/v1/."""
        address = path if path.startswith("/") else f"/api/v1/{path}"
        sent = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        extra: dict[str, Any] = {"query_params": query} if query else {}
        if body is not None:
            extra |= {"data": body, "content_type": "application/json"}
        return self.client.generic(method, address, headers=sent, **self._encoded(extra))

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        """Read."""
        return self.call("GET", path, headers=headers, **query)

    def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        """Create."""
        return self.call("POST", path, {} if body is None else body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        """Set."""
        return self.call("PUT", path, {} if body is None else body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> Answer:
        """Change."""
        return self.call("PATCH", path, {} if body is None else body, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        """Delete."""
        return self.call("DELETE", path, **more)

    def _encoded(self, extra: dict[str, Any]) -> dict[str, Any]:
        data = extra.get("data")
        if data is not None and not isinstance(data, (str, bytes)):
            extra["data"] = json.dumps(data)
        return extra


@dataclass
class Cast:
    """Everyone, and the teams they are in."""

    enterprise: Enterprise
    elsewhere: Enterprise
    team: Team
    other_team: Team
    foreign_team: Team
    people: dict[str, User | None]
    things: dict[str, Any] = field(default_factory=dict)
    _apis: dict[str, Api] = field(default_factory=dict)
    _browsers: dict[str, Client] = field(default_factory=dict)

    def __getattr__(self, name: str) -> User:
        """Give a person by their part: `cast.developer`."""
        person: User | None = self.__dict__.get("people", {}).get(name)
        if person is None:
            raise AttributeError(name)
        return person

    def api(self, part: str) -> Api:
        """Give the API as this person (or `nobody`) sees it."""
        if part not in self._apis:
            self._apis[part] = Api(self.people[part])
        return self._apis[part]

    def browser(self, part: str) -> Client:
        """Give the browser of this person, without scripts and signed in; that of `nobody` is not.

        Its session is a row: the first call comes before whatever is taken back.
        """
        if part not in self._browsers:
            client = Client(raise_request_exception=False)
            if (user := self.people[part]) is not None:
                client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            self._browsers[part] = client
        return self._browsers[part]

    @cached_property
    def parts(self) -> list[str]:
        """Every part, nobody included."""
        return list(self.people)


def make_cast() -> Cast:
    """Make everyone."""
    enterprise, elsewhere = make_enterprise("main"), make_enterprise("elsewhere")
    admin = make_user(enterprise, "admin", name="Admin", enterprise_roles=[ADMIN])
    market = make_user(enterprise, "market", name="Market", enterprise_roles=[MARKET_ADMIN])
    team, other_team = make_team(enterprise, "shop"), make_team(enterprise, "depot")
    people: dict[str, User | None] = {"admin": admin, "market": market}
    for role in TEAM_ROLES:
        login = "lead" if role == "admin" else role
        people[login] = add_member(team, make_user(enterprise, login), role, granted_by=admin)
    people["neighbour"] = add_member(other_team, make_user(enterprise, "neighbour"), *TEAM_ROLES, granted_by=admin)
    people["loner"] = make_user(enterprise, "loner")
    stranger = make_user(elsewhere, "stranger", enterprise_roles=[ADMIN, MARKET_ADMIN])
    foreign_team = make_team(elsewhere, "foreign")
    people["stranger"] = add_member(foreign_team, stranger, *TEAM_ROLES)
    people[NOBODY] = None
    return Cast(enterprise, elsewhere, team, other_team, foreign_team, people)


@pytest.fixture
def cast(db: None) -> Cast:
    """Give everyone, fresh."""
    return make_cast()
