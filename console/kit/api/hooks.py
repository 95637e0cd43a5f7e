"""What the kit asks the app of people, without importing it: its gate and its trail. Set when that app starts."""

from __future__ import annotations

from typing import Any, Protocol

from console.kit.errors import WaybillError


class Gate(Protocol):
    """Lets a person pass who holds a right, or raises Denied or NotFound."""

    def __call__(self, user: Any, right: str, team: Any = None, *, seen: bool = True) -> None: ...


class Refusal(Protocol):
    """Writes that a person was refused something."""

    def __call__(self, user: Any, error: WaybillError, *, address: str) -> None: ...


class Hooks:
    """The hooks in use, and which rights are held in the whole enterprise rather than on a team."""

    gate: Gate
    refusal: Refusal
    enterprise_rights: frozenset[str]
    team_rights: frozenset[str]


hooks = Hooks()


def install(*, gate: Gate, refusal: Refusal, enterprise_rights: frozenset[str], team_rights: frozenset[str]) -> None:
    """Set the hooks, once, when the apps are ready."""
    hooks.gate = gate
    hooks.refusal = refusal
    hooks.enterprise_rights = enterprise_rights
    hooks.team_rights = team_rights
