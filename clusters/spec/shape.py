"""The shape of a component, as plain JSON. One shape in three forms.

- `draft`: `image.reference` as a person typed it; no secret values.
- `version`: what was published; `image.path` and `image.digest`, nothing that belongs to an environment.
- `revision`: what an environment was told to run: values applied, `image.pull` the full reference, secrets as
  fingerprints.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Form = Literal["draft", "version", "revision"]
Kind = Literal["stateless", "stateful"]

KINDS: tuple[Kind, ...] = ("stateless", "stateful")
IMAGE_FROM = ("registry", "docker")
OUTSIDE = ("none", "node_port", "http_route")
PROTOCOLS = ("TCP", "UDP")
ACCESS_MODES = ("ReadWriteOnce", "ReadWriteMany")
PROBES = ("startup", "readiness", "liveness")
PROBE_KINDS = ("http", "tcp", "command")
ALPHABETS = ("alphanumeric", "hex", "digits", "symbols")

MAX_COMPONENTS = 50
MAX_VARIABLES = 200
MAX_PORTS = 20
MAX_FILES = 20
MAX_VOLUMES = 10
MAX_FILE_BYTES = 512 * 1024
MAX_REPLICAS = 100
NODE_PORTS = (30000, 32767)


class Platform(TypedDict):
    """One platform of an image: the digest of its manifest and of its config."""

    os: str
    architecture: str
    digest: str
    config: str
    variant: NotRequired[str]


_From = TypedDict("_From", {"from": Literal["docker"]}, total=False)


class Image(_From, total=False):
    """An image: as typed (`from`, `reference`, `user`), as published (`source` … `platforms`), as pulled (`pull`).

    `from` is there when the reference names an image of the console's Docker engine, and not one in a registry.
    `credential` is the fingerprint of the password that goes with `user`.
    """

    reference: str
    user: str | None
    credential: str
    source: str
    path: str
    digest: str
    media_type: str
    bytes: int
    platforms: list[Platform]
    pull: str


class Replicas(TypedDict):
    """How many pods, and between which bounds an installer may choose, in which steps from `min`."""

    default: int
    min: int
    max: int
    step: int


class Amounts(TypedDict):
    """Quantities of one container."""

    cpu: str
    memory: str


class Resources(TypedDict):
    """What a container is promised and what it may not exceed."""

    requests: Amounts
    limits: Amounts


class Route(TypedDict):
    """Where an HTTP route answers: host and path, and the ingress class that serves it."""

    host: str
    path: str
    ingress_class: str


class Port(TypedDict):
    """A port; `alias` names it in the variables of dependants, `node_port` is a value an environment pinned.

    `host` and `path` are what an HTTP route was asked to answer at; `route`, in a revision, where it does.
    """

    name: str
    number: int
    protocol: str
    alias: str
    inside: bool
    outside: str
    node_port: NotRequired[int]
    host: NotRequired[str]
    path: NotRequired[str]
    route: NotRequired[Route]


class Generate(TypedDict):
    """How a secret is made when nobody gives one."""

    length: int
    alphabet: str


class Variable(TypedDict):
    """A variable: `value` unless `secret`; `offered` to dependants; `fingerprint` of a secret in a revision."""

    name: str
    value: NotRequired[str]
    secret: NotRequired[bool]
    offered: NotRequired[bool]
    generate: NotRequired[Generate]
    fingerprint: NotRequired[str]


class File(TypedDict):
    """A configuration file; `mode` is octal text, `${NAME}` in `content` is replaced."""

    path: str
    mode: str
    content: str


class Volume(TypedDict):
    """A volume that outlives its pods."""

    name: str
    path: str
    kind: str
    size: str
    storage_class: str | None
    access: str


class Probe(TypedDict):
    """A check the node makes; all times in seconds."""

    kind: str
    port: NotRequired[str]
    path: NotRequired[str]
    command: NotRequired[list[str]]
    initial_delay: int
    period: int
    timeout: int
    failures: int


class RunAs(TypedDict):
    """The user and group ids a container runs with."""

    user: int
    group: int


class Component(TypedDict):
    """One workload and all that belongs to it; `start_timeout` in seconds."""

    key: str
    name: str
    kind: Kind
    image: Image
    command: list[str]
    args: list[str]
    replicas: Replicas
    resources: Resources
    ports: list[Port]
    variables: list[Variable]
    files: list[File]
    volumes: list[Volume]
    probes: dict[str, Probe]
    run_as: RunAs | None
    depends_on: list[str]
    start_timeout: int
