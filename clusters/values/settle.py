"""Settling the values of a revision: what is carried over, what is given, what is generated, what is missing."""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clusters import quantities
from clusters.spec.reading import Problems, token
from clusters.spec.shape import Component, Generate
from clusters.values.addresses import Parameter, Slot, Value, Values, slots
from clusters.values.apply import apply
from console.kit.errors import FieldError, Invalid

ALPHABETS = {
    "alphanumeric": string.ascii_letters + string.digits,
    "hex": string.digits + "abcdef",
    "digits": string.digits,
    "symbols": string.ascii_letters + string.digits + "-_.!@%^*+=",
}


@dataclass(frozen=True)
class Former:
    """The values of the revision one starts from: the public part, and the secrets by address."""

    values: Values = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def generated(self) -> Former:
        """Only what was generated: what a new draft of an application made by hand inherits."""
        chosen = {address: value for address, value in self.values.items() if value.get("origin") == "generated"}
        return Former(chosen, {address: self.secrets[address] for address in chosen if address in self.secrets})


@dataclass(frozen=True)
class Settled:
    """The values of a new revision, and what became of the former ones; all lists in the order of the document."""

    values: Values
    secrets: dict[str, str]
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()

    def require_complete(self) -> None:
        """Raise Invalid with `value_missing` at each address that still needs a value."""
        if self.missing:
            raise Invalid(
                "invalid",
                errors=[
                    FieldError(f"/values/{token(address)}", "value_missing", {"address": address})
                    for address in self.missing
                ],
            )


def generated_text(rule: Generate, choose: Callable[[str], str]) -> str:
    """Make a secret by its rule; `choose` picks one character of a text (`secrets.choice`)."""
    return "".join(choose(ALPHABETS[rule["alphabet"]]) for _ in range(rule["length"]))


def settle(
    components: Sequence[Component],
    parameters: Sequence[Parameter] | None,
    *,
    given: Mapping[str, Any],
    former: Former,
    reset: Collection[str] = (),
    volumes_there: Collection[str] = (),
    generate: Callable[[Generate], str],
    fingerprint: Callable[[str], str],
) -> Settled:
    """Settle the values of a new revision of a document.

    A given value wins; else a former one stays if its address is still there and it was not reset; else a secret with a
    rule is generated. A former value that the document no longer takes (another range, another choice) is an error at
    its address: give another one, or reset it. `parameters` None means an application made by hand.
    Raises Invalid `invalid` with `unknown_address`, `not_allowed` and what is wrong with a value, at
    `/values/{address}` and `/reset/{i}`. What is missing is told in the answer; see `require_complete`.
    """
    open_here = slots(components, parameters, volumes_there=volumes_there)
    problems = Problems()
    checked = _check_given(given, open_here, problems)
    _check_reset(reset, open_here, former, problems)
    result = _Result(fingerprint)
    for address, slot in open_here.items():
        old = former.values.get(address)
        if address in checked:
            result.put(slot, checked[address], "given")
        elif old is not None and address not in reset and ("secret" in old) == slot.secret:
            _keep(slot, old, former, problems, result)
        elif slot.generate is not None:
            result.put(slot, generate(slot.generate), "generated")
            result.generated.append(address)
        elif slot.secret or (slot.required and not slot.default):
            result.missing.append(address)
    _check_limits(apply(components, result.values), problems)
    problems.raise_any()
    dropped = [address for address in former.values if address not in result.values and address not in reset]
    return Settled(
        values=result.values,
        secrets=result.secrets,
        kept=tuple(result.kept),
        dropped=tuple(address for address in dropped if address not in result.missing),
        generated=tuple(result.generated),
        missing=tuple(result.missing),
        reset=tuple(address for address in reset if address in former.values),
    )


class _Result:
    def __init__(self, fingerprint: Callable[[str], str]) -> None:
        self.fingerprint = fingerprint
        self.values: Values = {}
        self.secrets: dict[str, str] = {}
        self.kept: list[str] = []
        self.generated: list[str] = []
        self.missing: list[str] = []

    def put(self, slot: Slot, value: Any, origin: str) -> None:
        if slot.secret:
            self.secrets[slot.address] = value
            self.values[slot.address] = Value(secret=self.fingerprint(value), origin=origin)
        else:
            self.values[slot.address] = Value(value=value, origin=origin)


def _keep(slot: Slot, old: Value, former: Former, problems: Problems, result: _Result) -> None:
    origin = old.get("origin", "given")
    if slot.secret:
        if slot.address not in former.secrets:
            result.missing.append(slot.address)
            return
        result.put(slot, former.secrets[slot.address], origin)
    else:
        result.put(slot, slot.read(old.get("value"), problems), origin)
    result.kept.append(slot.address)


def _check_limits(applied: Sequence[Component], problems: Problems) -> None:
    for component in applied:
        requests, limits = component["resources"]["requests"], component["resources"]["limits"]
        for what, request, limit in (
            ("cpu", requests["cpu"], limits["cpu"]),
            ("memory", requests["memory"], limits["memory"]),
        ):
            if quantities.parse(request) > quantities.parse(limit):
                place = f"/values/{component['key']}.resources.limits.{what}"
                problems.add(place, "value_out_of_range", least=request, most=limit)


def _check_given(given: Mapping[str, Any], open_here: Mapping[str, Slot], problems: Problems) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for address, value in given.items():
        slot = open_here.get(address)
        if slot is None:
            problems.add(f"/values/{token(address)}", "unknown_address", address=address)
        elif not slot.givable:
            problems.add(f"/values/{token(address)}", "not_allowed")
        else:
            checked[address] = slot.read(value, problems)
    return checked


def _check_reset(reset: Collection[str], open_here: Mapping[str, Slot], former: Former, problems: Problems) -> None:
    for index, address in enumerate(reset):
        if address not in open_here and address not in former.values:
            problems.add(f"/reset/{index}", "unknown_address", address=address)
