"""The parameters a version declares: which addresses an installer is shown, and what they take."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, cast

from clusters.spec.reading import Problems, Reader
from clusters.spec.routes import ROOT
from clusters.spec.shape import Component, Variable
from clusters.values.addresses import MAX_NUMBER, TYPES, Parameter, ParameterType

MAX_PARAMETERS = 200
MAX_REPEATS = 3

_ATOM = r"(?:\\[dwsDWS.\-+*?^$()\[\]{}|/\\]|\[\^?(?:\\.|[^\\\]])+\]|[^\\\[\](){}*+?|^$])"
_PATTERN = re.compile(rf"\^?(?:{_ATOM}(?:[*+?]|\{{\d{{1,3}}(?:,\d{{0,3}})?\}})?)*\$?")
_REPEAT = re.compile(r"(?<!\\)[*+}]")


def check_parameters(data: Any, components: Sequence[Component], *, pointer: str = "/parameters") -> list[Parameter]:
    """Validate the parameters of a version against its components.

    Every secret variable that nobody generates is a required parameter, declared or not: those not declared are added.
    Raises Invalid `invalid` with all field errors, or Malformed `unknown_field`.
    """
    problems = Problems()
    known = {
        f"{component['key']}.variables.{variable['name']}": variable
        for component in components
        for variable in component["variables"]
    }
    routes = set(route_addresses(components))
    found: list[Parameter] = []
    for item in Reader(data, pointer, problems).items(MAX_PARAMETERS):
        if not item.fields(*Parameter.__annotations__):
            continue
        parameter = _parameter(item, known, routes)
        if parameter["address"] in {other["address"] for other in found}:
            item.at("address").wrong("duplicate", value=parameter["address"])
        found.append(parameter)
    problems.raise_any()
    declared = {parameter["address"] for parameter in found}
    return found + [
        Parameter(address=address, label=variable["name"], type="secret", required=True)
        for address, variable in known.items()
        if variable.get("secret") and not variable.get("generate") and address not in declared
    ]


def route_addresses(components: Sequence[Component]) -> dict[str, str]:
    """Give the addresses of hosts and paths of HTTP routes, with what each says when nobody gives one."""
    return {
        f"{component['key']}.ports.{port['name']}.{what}": str(port.get(what, default))
        for component in components
        for port in component["ports"]
        if port["outside"] == "http_route"
        for what, default in (("host", ""), ("path", ROOT))
    }


def _parameter(item: Reader, known: dict[str, Variable], routes: Collection[str]) -> Parameter:
    address = item.at("address").text(most=120, least=1)
    if address in routes:
        return _route_parameter(item, address)
    variable = known.get(address)
    if variable is None and address:
        item.at("address").wrong("unknown_address", address=address)
    secret = bool(variable and variable.get("secret"))
    kind = item.at("type").choice(TYPES, default="secret" if secret else "text")
    if variable is not None and (kind == "secret") != secret:
        item.at("type").wrong("choice_unknown", choices=["secret"] if secret else [t for t in TYPES if t != "secret"])
    needed = bool(variable and secret and not variable.get("generate"))
    parameter = Parameter(
        address=address,
        label=item.at("label").name(default=variable["name"] if variable else "…"),
        type=cast(ParameterType, kind),
        required=item.at("required").flag(default=False) or needed,
    )
    _limits(item, parameter)
    return parameter


def _route_parameter(item: Reader, address: str) -> Parameter:
    """A host or a path: a text with a form of its own, which no pattern has to tell."""
    kind = item.at("type").choice(TYPES, default="text")
    if kind != "text":
        item.at("type").wrong("choice_unknown", choices=["text"])
    for name in ("choices", "pattern", "min", "max"):
        if item.at(name).given:
            item.at(name).wrong("not_allowed")
    label = item.at("label").name(default=address.rpartition(".")[2])
    return Parameter(address=address, label=label, type="text", required=item.at("required").flag(default=False))


def _limits(item: Reader, parameter: Parameter) -> None:
    own = {"choice": ("choices",), "text": ("pattern",), "number": ("min", "max")}.get(parameter["type"], ())
    for name in ("choices", "pattern", "min", "max"):
        if item.at(name).given and name not in own:
            item.at(name).wrong("not_allowed")
    if "choices" in own:
        parameter["choices"] = item.at("choices").texts(limit=100, most=200)
        if not parameter["choices"]:
            item.at("choices").wrong("required")
    if "pattern" in own and item.at("pattern").given:
        parameter["pattern"] = _pattern(item.at("pattern"))
    for name in ("min", "max"):
        if name in own and item.at(name).given:
            number = item.at(name).number(least=-MAX_NUMBER, most=MAX_NUMBER)
            parameter[name] = number  # type: ignore[literal-required]


def _pattern(reader: Reader) -> str:
    """Read a pattern of characters and classes with counts. Groups and alternatives are not taken, and few repeats: a
    pattern written in one team must not be able to hold up the console for everyone."""
    text = reader.text(most=200, least=1)
    if not _PATTERN.fullmatch(text) or len(_REPEAT.findall(text)) > MAX_REPEATS:
        reader.wrong("malformed", example="[a-z][a-z0-9-]*")
        return ""
    try:
        re.compile(text)
    except re.error:
        reader.wrong("malformed", example="[a-z][a-z0-9-]*")
    return text
