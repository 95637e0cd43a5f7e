"""The parts of a component: ports, variables, files, volumes, probes, resources."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from clusters import quantities
from clusters.spec import shape
from clusters.spec.reading import Reader
from clusters.spec.routes import read_host, read_path
from clusters.spec.shape import Amounts, File, Form, Generate, Port, Probe, Resources, Route, Variable, Volume

NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,13}[a-z0-9])?")
PORT_NAME = re.compile(rf"(?!.*--){NAME.pattern}")
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
MODE = re.compile(r"0[0-7]{3}")
PATH = re.compile(r"/[^\0:]*")
CLASS = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
HEX8 = re.compile(r"[0-9a-f]{8}")

RESERVED_VOLUMES = ("files", "secret-files")
"""Names of the pod's own volumes, which carry the files."""

MAX_VALUE = 16 * 1024
DEFAULT_REQUESTS = Amounts(cpu="50m", memory="64Mi")
DEFAULT_LIMITS = Amounts(cpu="500m", memory="256Mi")


def read_ports(reader: Reader, key: str, form: Form) -> list[Port]:
    """Read the ports. Without a name a port is called `tcp-8080`; without an alias after its component."""
    ports: list[Port] = []
    extra = ("node_port", "route") if form == "revision" else ()
    for item in reader.items(shape.MAX_PORTS):
        if not item.fields("name", "number", "protocol", "alias", "inside", "outside", "host", "path", *extra):
            continue
        number = item.at("number").number(least=1, most=65535)
        protocol = item.at("protocol").choice(shape.PROTOCOLS, default="TCP")
        name = item.at("name").text(
            default=f"{protocol.lower()}-{number}", most=15, least=1, pattern=PORT_NAME, example="http"
        )
        words = [key] if not ports else [key, name]
        alias = "_".join(words).upper().replace("-", "_")
        port = Port(
            name=name,
            number=number,
            protocol=protocol,
            alias=item.at("alias").text(default=alias, most=64, least=1, pattern=VARIABLE, example="WEB"),
            inside=item.at("inside").flag(default=True),
            outside=item.at("outside").choice(shape.OUTSIDE, default="none"),
        )
        _read_route(item, port, ports)
        if extra and item.at("node_port").given:
            port["node_port"] = item.at("node_port").number(least=shape.NODE_PORTS[0], most=shape.NODE_PORTS[1])
        _refuse_taken(item.at("name"), name, (other["name"] for other in ports))
        _refuse_taken(item.at("alias"), port["alias"], (other["alias"] for other in ports))
        place = f"{number}/{protocol}"
        _refuse_taken(item.at("number"), place, (f"{other['number']}/{other['protocol']}" for other in ports))
        ports.append(port)
    return ports


def _read_route(item: Reader, port: Port, before: list[Port]) -> None:
    """Read what an HTTP route says. It leads to the inside Service, so its port is one of that; a component has one
    route, since all that is routed to it is one Ingress."""
    routed = port["outside"] == "http_route"
    if routed and (port["protocol"] != "TCP" or not port["inside"]):
        item.at("outside").wrong("route_not_possible", port=port["name"])
    if routed and any(other["outside"] == "http_route" for other in before):
        item.at("outside").wrong("duplicate", value="http_route")
    for name in ("host", "path"):
        if item.at(name).given and not routed:
            item.at(name).wrong("not_allowed")
    if routed and item.at("host").given:
        port["host"] = read_host(item.at("host"))
    if routed and item.at("path").given:
        port["path"] = read_path(item.at("path"))
    route = item.at("route")
    if routed and route.given and route.fields("host", "path", "ingress_class"):
        port["route"] = Route(
            host=read_host(route.at("host")),
            path=read_path(route.at("path")),
            ingress_class=route.at("ingress_class").text(most=253, least=1, pattern=CLASS, example="nginx"),
        )


def read_variables(reader: Reader, form: Form) -> list[Variable]:
    """Read the variables, in their order, which is kept. A secret one has no value here, whatever was typed."""
    variables: list[Variable] = []
    extra = ("fingerprint",) if form == "revision" else ()
    for item in reader.items(shape.MAX_VARIABLES):
        if not item.fields("name", "value", "secret", "offered", "generate", *extra):
            continue
        variable = Variable(name=item.at("name").text(most=64, least=1, pattern=VARIABLE, example="LOG_LEVEL"))
        _refuse_taken(item.at("name"), variable["name"], (other["name"] for other in variables))
        if item.at("secret").flag(default=False):
            _read_secret(item, variable, form)
        else:
            variable["value"] = item.at("value").text(most=MAX_VALUE)
            if item.at("generate").given:
                item.at("generate").wrong("not_allowed")
        if item.at("offered").flag(default=False):
            variable["offered"] = True
        variables.append(variable)
    return variables


def _read_secret(item: Reader, variable: Variable, form: Form) -> None:
    variable["secret"] = True
    if form == "draft":
        item.at("value").text(default="", most=MAX_VALUE)
    elif item.at("value").given:
        item.at("value").wrong("not_allowed")
    if item.at("generate").given and item.at("generate").fields("length", "alphabet"):
        rule = item.at("generate")
        variable["generate"] = Generate(
            length=rule.at("length").number(default=32, least=8, most=128),
            alphabet=rule.at("alphabet").choice(shape.ALPHABETS, default="alphanumeric"),
        )
    if item.at("fingerprint").given:
        variable["fingerprint"] = item.at("fingerprint").text(most=8, pattern=HEX8, example="9be01d77")


def read_files(reader: Reader, volumes: list[Volume]) -> list[File]:
    """Read the configuration files; two things cannot be mounted at one path."""
    files: list[File] = []
    for item in reader.items(shape.MAX_FILES):
        if not item.fields("path", "mode", "content"):
            continue
        file = File(
            path=_path(item.at("path")),
            mode=item.at("mode").text(default="0444", most=4, pattern=MODE, example="0444"),
            content=item.at("content").text(default="", most=shape.MAX_FILE_BYTES),
        )
        if len(file["content"].encode()) > shape.MAX_FILE_BYTES:
            item.at("content").wrong("too_long", limit=shape.MAX_FILE_BYTES)
        taken = [other["path"] for other in files] + [volume["path"] for volume in volumes]
        _refuse_taken(item.at("path"), file["path"], taken)
        files.append(file)
    return files


def read_volumes(reader: Reader) -> list[Volume]:
    """Read the persistent volumes. Without a storage class the cluster's default is used."""
    volumes: list[Volume] = []
    for item in reader.items(shape.MAX_VOLUMES):
        if not item.fields("name", "path", "kind", "size", "storage_class", "access"):
            continue
        storage_class = item.at("storage_class")
        volume = Volume(
            name=item.at("name").text(most=15, least=1, pattern=NAME, example="data"),
            path=_path(item.at("path")),
            kind=item.at("kind").choice(("persistent",), default="persistent"),
            size=read_quantity(item.at("size"), default="1Gi", least="1Mi", most="1Pi"),
            storage_class=storage_class.text(most=253, pattern=CLASS, example="standard")
            if storage_class.given
            else None,
            access=item.at("access").choice(shape.ACCESS_MODES, default="ReadWriteOnce"),
        )
        if volume["name"] in RESERVED_VOLUMES:
            item.at("name").wrong("reserved", word=volume["name"])
        _refuse_taken(item.at("name"), volume["name"], (other["name"] for other in volumes))
        _refuse_taken(item.at("path"), volume["path"], (other["path"] for other in volumes))
        volumes.append(volume)
    return volumes


def _path(reader: Reader) -> str:
    path = reader.text(most=1024, least=1, pattern=PATH, example="/etc/web/app.conf")
    if path and (posixpath.normpath(path) != path or path in {"/", "//"}):
        reader.wrong("malformed", example="/etc/web/app.conf")
    return path


def read_probes(reader: Reader, ports: list[Port]) -> dict[str, Probe]:
    """Read the startup, readiness and liveness probes; null and absent mean none."""
    probes: dict[str, Probe] = {}
    if not reader.given or not reader.fields(*shape.PROBES):
        return probes
    for name in shape.PROBES:
        if reader.at(name).given:
            probes[name] = _probe(reader.at(name), ports)
    return probes


def _probe(reader: Reader, ports: list[Port]) -> Probe:
    kind = reader.at("kind").choice(shape.PROBE_KINDS)
    own = {"http": ("port", "path"), "tcp": ("port",), "command": ("command",)}[kind]
    reader.fields("kind", *own, "initial_delay", "period", "timeout", "failures")
    probe = Probe(
        kind=kind,
        initial_delay=reader.at("initial_delay").number(default=0, least=0, most=3600),
        period=reader.at("period").number(default=10, least=1, most=3600),
        timeout=reader.at("timeout").number(default=1, least=1, most=600),
        failures=reader.at("failures").number(default=3, least=1, most=100),
    )
    if kind == "command":
        probe["command"] = reader.at("command").texts(limit=100, most=4096)
        if not probe["command"]:
            reader.at("command").wrong("required")
        return probe
    names = [port["name"] for port in ports if port["protocol"] == "TCP"]
    probe["port"] = reader.at("port").text(most=15, least=1)
    if probe["port"] and probe["port"] not in names:
        reader.at("port").wrong("choice_unknown", choices=names)
    if kind == "http":
        probe["path"] = reader.at("path").text(
            default="/", most=1024, pattern=re.compile(r"/[!-~]*"), example="/health"
        )
    return probe


def read_resources(reader: Reader) -> Resources:
    """Read requests and limits. Both are always sent, so both have defaults; a request may not exceed its limit."""
    if reader.given:
        reader.fields("requests", "limits")
    requests = _amounts(reader.at("requests"), DEFAULT_REQUESTS)
    limits = _amounts(reader.at("limits"), DEFAULT_LIMITS)
    pairs = {"cpu": (requests["cpu"], limits["cpu"]), "memory": (requests["memory"], limits["memory"])}
    for name, (request, limit) in pairs.items():
        if quantities.parse(request) > quantities.parse(limit):
            place = reader.at("limits") if reader.at("limits").at(name).given else reader.at("requests")
            place.at(name).wrong("value_out_of_range", least=request, most=limit)
    return Resources(requests=requests, limits=limits)


def _amounts(reader: Reader, default: Amounts) -> Amounts:
    if reader.given:
        reader.fields("cpu", "memory")
    return Amounts(
        cpu=read_quantity(reader.at("cpu"), default=default["cpu"], least="1m", most="1k"),
        memory=read_quantity(reader.at("memory"), default=default["memory"], least="1Mi", most="64Ti"),
    )


def read_quantity(reader: Reader, *, default: str, least: str, most: str) -> str:
    """Read a Kubernetes quantity between two bounds, in the apiserver's writing."""
    text = reader.text(default=default, most=32, least=1)
    try:
        amount = quantities.parse(text)
    except quantities.NotAQuantity:
        reader.wrong("malformed", example=default)
        return default
    if not quantities.parse(least) <= amount <= quantities.parse(most):
        reader.wrong("value_out_of_range", least=least, most=most)
        return default
    return quantities.canonical_text(text)


def _refuse_taken(reader: Reader, value: str, taken: Iterable[str]) -> None:
    if value and value in taken:
        reader.wrong("duplicate", value=value)
