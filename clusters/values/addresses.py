"""The closed list of addresses at which an environment may say something, and what may be said there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from clusters.spec.parts import CLASS, MAX_VALUE, read_quantity
from clusters.spec.reading import Problems, Reader, token
from clusters.spec.routes import ROOT, read_host, read_path
from clusters.spec.shape import NODE_PORTS, Component, Generate, Variable

ParameterType = Literal["text", "number", "choice", "switch", "secret"]
TYPES: tuple[ParameterType, ...] = ("text", "number", "choice", "switch", "secret")

MAX_NUMBER = 2**53 - 1
MAX_MATCHED = 256
"""Characters of a value that is held against a pattern: bounds the time a pattern may take."""


class Parameter(TypedDict):
    """An address shown to the installer; `choices` for the type `choice`, `pattern` for `text`, bounds for `number`."""

    address: str
    label: str
    type: ParameterType
    required: bool
    choices: NotRequired[list[str]]
    pattern: NotRequired[str]
    min: NotRequired[int]
    max: NotRequired[int]


class Value(TypedDict, total=False):
    """One value: `value`, or the fingerprint `secret`; and where it came from (`given` or `generated`)."""

    value: Any
    secret: str
    origin: str


Values = dict[str, Value]


@dataclass(frozen=True)
class Slot:
    """One open address.

    `what` says how a value is read; `default` is the document's own; `givable` whether an installer may say something
    here (a generated secret that is not declared stays closed, and so does the size of a volume that exists).
    """

    address: str
    what: str
    default: Any
    givable: bool
    required: bool = False
    secret: bool = False
    generate: Generate | None = None
    least: int = 0
    most: int = 0
    step: int = 1
    parameter: Parameter | None = None

    def read(self, value: Any, problems: Problems) -> Any:
        """Read a value for this address, noting what is wrong with it at `/values/{address}`."""
        reader = Reader(value, f"/values/{token(self.address)}", problems)
        if self.what in {"cpu", "memory", "storage"}:
            least, most = {"cpu": ("1m", "1k"), "memory": ("1Mi", "64Ti"), "storage": ("1Mi", "1Pi")}[self.what]
            return read_quantity(reader, default=self.default, least=least, most=most) if _here(reader) else None
        if self.what == "class":
            return reader.text(most=253, least=1, pattern=CLASS, example="standard")
        if self.what == "host":
            return read_host(reader)
        if self.what == "path":
            return read_path(reader)
        if self.what == "number":
            number = reader.number(least=self.least, most=self.most)
            if self.least <= number <= self.most and (number - self.least) % self.step:
                reader.wrong("value_out_of_range", least=self.least, most=self.most)
            return number
        return _read_parameter(reader, self)


def _here(reader: Reader) -> bool:
    if not reader.given:
        reader.wrong("required")
    return reader.given


def _read_parameter(reader: Reader, slot: Slot) -> Any:
    parameter = slot.parameter
    if parameter is None or parameter["type"] in {"text", "secret"}:
        pattern = parameter.get("pattern") if parameter else None
        if pattern is not None:
            return reader.text(most=MAX_MATCHED, least=1, pattern=re.compile(pattern), example=pattern)
        return reader.text(most=MAX_VALUE, least=1 if slot.required or slot.secret else 0)
    if parameter["type"] == "choice":
        return reader.choice(tuple(parameter.get("choices", [])))
    if parameter["type"] == "switch":
        return reader.flag(default=False) if _here(reader) else None
    return reader.number(least=parameter.get("min", -MAX_NUMBER), most=parameter.get("max", MAX_NUMBER))


def slots(
    components: Sequence[Component],
    parameters: Sequence[Parameter] | None,
    *,
    volumes_there: Collection[str] = (),
) -> dict[str, Slot]:
    """Give every open address of a document.

    `parameters` None means an application made by hand: only its secret variables are open, all of them.
    `volumes_there` are the volumes that exist (`{component}.volumes.{volume}`): their size and class are settled.
    """
    declared = {parameter["address"]: parameter for parameter in parameters or []}
    found: dict[str, Slot] = {}
    for component in components:
        for variable in component["variables"]:
            slot = _variable(component["key"], variable, declared, made=parameters is None)
            if slot is not None:
                found[slot.address] = slot
        if parameters is not None:
            found |= {slot.address: slot for slot in _settings(component, volumes_there)}
            found |= {slot.address: slot for slot in _routes(component, declared)}
    return found


def _variable(key: str, variable: Variable, declared: dict[str, Parameter], *, made: bool) -> Slot | None:
    address = f"{key}.variables.{variable['name']}"
    parameter = declared.get(address)
    secret = bool(variable.get("secret"))
    if parameter is None and not secret:
        return None
    generate = variable.get("generate")
    return Slot(
        address=address,
        what="variable",
        default=variable.get("value"),
        givable=made or parameter is not None,
        required=(secret and generate is None) or bool(parameter and parameter["required"]),
        secret=secret,
        generate=generate,
        parameter=parameter,
    )


def _settings(component: Component, volumes_there: Collection[str]) -> Iterator[Slot]:
    key, replicas = component["key"], component["replicas"]
    yield Slot(
        f"{key}.replicas",
        "number",
        replicas["default"],
        givable=True,
        least=replicas["min"],
        most=replicas["max"],
        step=replicas["step"],
    )
    resources = component["resources"]
    for side, amounts in (("requests", resources["requests"]), ("limits", resources["limits"])):
        yield Slot(f"{key}.resources.{side}.cpu", "cpu", amounts["cpu"], givable=True)
        yield Slot(f"{key}.resources.{side}.memory", "memory", amounts["memory"], givable=True)
    for port in component["ports"]:
        if port["outside"] == "node_port":
            address = f"{key}.ports.{port['name']}.node_port"
            yield Slot(address, "number", None, givable=True, least=NODE_PORTS[0], most=NODE_PORTS[1])
    for volume in component["volumes"]:
        place = f"{key}.volumes.{volume['name']}"
        open_here = place not in volumes_there
        yield Slot(f"{place}.size", "storage", volume["size"], givable=open_here)
        yield Slot(f"{place}.storage_class", "class", volume["storage_class"], givable=open_here)


def _routes(component: Component, declared: dict[str, Parameter]) -> Iterator[Slot]:
    """Host and path of an HTTP route, declared or not. A host that must be given has no default of the cluster's."""
    for port in component["ports"]:
        if port["outside"] != "http_route":
            continue
        place = f"{component['key']}.ports.{port['name']}"
        for what, default in (("host", port.get("host")), ("path", port.get("path", ROOT))):
            parameter = declared.get(f"{place}.{what}")
            required = bool(parameter and parameter["required"])
            yield Slot(f"{place}.{what}", what, default, givable=True, required=required, parameter=parameter)
