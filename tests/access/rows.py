"""How a row of the access matrix is written.

Each app gives its rows in `tests/access/rows_<app>.py` as `ROWS`, and makes the things its addresses name in an
optional `furnish(cast)`, which adds to `cast.things`. A route of the API without a row fails the matrix.

A row says how to fill the address for a thing of the own team, of another enterprise or team, and for none (`Places`).
Who may is read off the declaration of the operation and the table of roles, unless the row says
otherwise. What is then held for every person of the cast:

* nobody signed in: 401, unless the operation is open to everyone;
* an enterprise right that is missing: 403, whatever the address names;
* a thing one may not see, a foreign one, an absent one: 404, with the same bytes;
* a thing one sees without the right: 403; with the right: `ok`, and the answer has the shape of its example.

Where the thing is named in the body, `instead` says part → status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from teams.roles import ENTERPRISE_RIGHTS, TEAM_RIGHTS
from tests.cast import NOBODY, Cast

Address = Callable[[Cast], dict[str, str]]

EVERYONE = ("admin", "market", "lead", "developer", "tester", "delivery", "viewer", "neighbour", "loner", "stranger")
MEMBERS = ("lead", "developer", "tester", "delivery", "viewer")
OWN = ("admin", *MEMBERS)
"""Who sees what belongs to the team `shop`: its members and the enterprise admin."""
_PARTS = {"lead": "admin"}


class Places(NamedTuple):
    """How the address is filled for a thing of the own team, of another enterprise or team, and for none."""

    own: Address
    foreign: Address
    absent: Address


@dataclass(frozen=True)
class Row:
    """One method of one route. `route` as in the URL table, without `api/v1/`; `at`: None where it names nothing."""

    method: str
    route: str
    ok: int = 200
    at: Places | None = None
    body: Callable[[Cast], Any] | None = None
    sees: tuple[str, ...] = OWN
    may: tuple[str, ...] | None = None
    instead: Mapping[str, int] = field(default_factory=dict)
    query: dict[str, str] | None = None
    headers: Callable[[], dict[str, str]] | None = None

    @property
    def name(self) -> str:
        """Give `GET teams/<str:team>`."""
        return f"{self.method} {self.route}"


def holders(right: str) -> tuple[str, ...]:
    """Give the parts of the cast that hold a right: on the team `shop`, or in the first enterprise."""
    if right in ENTERPRISE_RIGHTS:
        parts = {"admin": "admin", "market": "market_admin", "stranger": "admin"}
        return tuple(part for part, role in parts.items() if role in ENTERPRISE_RIGHTS[right])
    if right in TEAM_RIGHTS:
        return ("admin", *(part for part in MEMBERS if _PARTS.get(part, part) in TEAM_RIGHTS[right]))
    return EVERYONE


def slugs(**names: str) -> Address:
    """Fill the address with fixed words."""
    return lambda cast: dict(names)


__all__ = ["EVERYONE", "MEMBERS", "NOBODY", "OWN", "Address", "Places", "Row", "holders", "slugs"]
