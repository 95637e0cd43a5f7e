"""The matrix rows of people."""

from __future__ import annotations

from typing import Any

from tests.access.rows import Places, Row, slugs
from tests.builders import make_token, make_user
from tests.cast import Cast


def furnish(cast: Cast) -> None:
    """A token of each person's own cannot be addressed by the others, so the developer's is the thing."""
    cast.things["token"] = make_token(cast.developer)[0].prefix
    cast.things["foreign_token"] = make_token(cast.stranger)[0].prefix
    make_user(cast.elsewhere, "foreigner")


_PASSWORD = {"current": "not this one", "new": "a long sentence is a good one"}
_TOKEN = {"name": "ci", "expires_at": "2026-12-01T00:00:00Z"}
_USER: dict[str, Any] = {"login": "hanmei", "name": "Han Mei", "email": None, "enterprise_roles": []}
_KNOWS_TESTER = ("admin", "lead", "developer", "tester", "delivery", "viewer", "neighbour")
_TEAM = Places(slugs(team="shop"), slugs(team="foreign"), slugs(team="nowhere"))
_MEMBER = Places(
    slugs(team="shop", login="viewer"), slugs(team="foreign", login="viewer"), slugs(team="nowhere", login="viewer")
)
_USERS = Places(slugs(login="tester"), slugs(login="foreigner"), slugs(login="nowhere"))

ROWS = [
    Row("GET", "me"),
    # Everyone's is refused for the wrong password; the right one is tried in the tests of this address.
    Row("PUT", "me/password", ok=422, body=lambda cast: _PASSWORD),
    Row("GET", "tokens"),
    Row("POST", "tokens", ok=201, body=lambda cast: _TOKEN),
    Row(
        "DELETE",
        "tokens/<str:prefix>",
        ok=204,
        at=Places(
            lambda cast: {"prefix": cast.things["token"]},
            lambda cast: {"prefix": cast.things["foreign_token"]},
            slugs(prefix="wb000000"),
        ),
        sees=("developer",),
    ),
    Row("GET", "users"),
    Row("POST", "users", ok=201, body=lambda cast: _USER),
    Row("GET", "users/<str:login>", sees=_KNOWS_TESTER, at=_USERS),
    Row("PATCH", "users/<str:login>", body=lambda cast: {"name": "Other"}, sees=_KNOWS_TESTER, at=_USERS),
    Row("PUT", "users/<str:login>/one-time-password", sees=_KNOWS_TESTER, at=_USERS),
    Row("GET", "teams"),
    Row("POST", "teams", ok=201, body=lambda cast: {"slug": "new-team", "name": "New team"}),
    Row("GET", "teams/<str:team>", at=_TEAM),
    Row("PATCH", "teams/<str:team>", body=lambda cast: {"name": "Other"}, at=_TEAM),
    Row("PUT", "teams/<str:team>/members/<str:login>", body=lambda cast: {"roles": ["tester"]}, at=_MEMBER),
    Row("DELETE", "teams/<str:team>/members/<str:login>", ok=204, at=_MEMBER),
    Row("GET", "audit-events", may=("admin", "lead", "neighbour", "stranger")),
]
