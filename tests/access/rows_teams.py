"""The matrix rows of people."""

from __future__ import annotations

from tests.access.rows import EVERYONE, Row, slugs
from tests.builders import make_token, make_user
from tests.cast import Cast


def furnish(cast: Cast) -> None:
    """A token of each person's own cannot be addressed by the others, so the developer's is the thing."""
    cast.things["token"] = make_token(cast.developer)[0].prefix
    cast.things["foreign_token"] = make_token(cast.stranger)[0].prefix
    make_user(cast.elsewhere, "foreigner")


_PASSWORD = {"current": "not this one", "new": "a long sentence is a good one"}
_TOKEN = {"name": "ci", "expires_at": "2026-12-01T00:00:00Z"}
_USER = {"login": "hanmei", "name": "Han Mei", "email": None, "enterprise_roles": []}
_KNOWS_TESTER = ("admin", "lead", "developer", "tester", "delivery", "viewer", "neighbour")
_TEAM = {"own": slugs(team="shop"), "foreign": slugs(team="foreign"), "absent": slugs(team="nowhere")}
_MEMBER = {
    "own": slugs(team="shop", login="viewer"),
    "foreign": slugs(team="foreign", login="viewer"),
    "absent": slugs(team="nowhere", login="viewer"),
}
_USERS = {"own": slugs(login="tester"), "foreign": slugs(login="foreigner"), "absent": slugs(login="nowhere")}

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
        own=lambda cast: {"prefix": cast.things["token"]},
        foreign=lambda cast: {"prefix": cast.things["foreign_token"]},
        absent=slugs(prefix="wb000000"),
        sees=("developer",),
    ),
    Row("GET", "users"),
    Row("POST", "users", ok=201, body=lambda cast: _USER),
    Row("GET", "users/<str:login>", sees=_KNOWS_TESTER, **_USERS),
    Row("PATCH", "users/<str:login>", body=lambda cast: {"name": "Other"}, sees=_KNOWS_TESTER, **_USERS),
    Row("PUT", "users/<str:login>/one-time-password", sees=_KNOWS_TESTER, **_USERS),
    Row("GET", "teams"),
    Row("POST", "teams", ok=201, body=lambda cast: {"slug": "new-team", "name": "New team"}),
    Row("GET", "teams/<str:team>", **_TEAM),
    Row("PATCH", "teams/<str:team>", body=lambda cast: {"name": "Other"}, **_TEAM),
    Row("PUT", "teams/<str:team>/members/<str:login>", body=lambda cast: {"roles": ["tester"]}, **_MEMBER),
    Row("DELETE", "teams/<str:team>/members/<str:login>", ok=204, **_MEMBER),
    Row("GET", "audit-events", may=("admin", "lead", "neighbour", "stranger")),
]

__all__ = ["EVERYONE", "ROWS", "furnish"]
