"""One component: validated and normalised in one pass, with every problem named at its place."""

from __future__ import annotations

import re
from typing import Any, TypedDict, cast

from clusters.spec import shape
from clusters.spec.image import DIGEST, PATH, NotAReference, parse_reference
from clusters.spec.parts import HEX8, read_files, read_ports, read_probes, read_resources, read_variables, read_volumes
from clusters.spec.reading import Problems, Reader
from clusters.spec.shape import Component, Form, Image, Platform, Replicas, RunAs

KEY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
RESERVED_KEYS = ("new",)
MAX_KEY = 20
MAX_UID = 2**31 - 2
MAX_IMAGE_BYTES = 2**63 - 1

_FIELDS = tuple(Component.__annotations__)


class DraftSecrets(TypedDict):
    """What a draft carries beside its definition; `password` None means: the one kept, if the user is the same."""

    variables: dict[str, str]
    password: str | None


def check_component(data: Any, *, form: Form = "draft", pointer: str = "") -> Component:
    """Validate one component and give it normalised: defaults filled in, quantities as the apiserver writes them.

    In a draft, values of secret variables and the image's password are checked but not part of the answer: take them
    with `draft_secrets`. Raises Invalid `invalid` with all field errors, or Malformed `unknown_field`; `pointer` goes
    before every place named.
    """
    problems = Problems()
    component = read_component(Reader(data, pointer, problems), form)
    problems.raise_any()
    return component


def draft_secrets(data: Any) -> DraftSecrets:
    """Take the secret values out of a draft that `check_component` has passed. Absent and null values are left out."""
    variables = {
        item["name"]: item["value"]
        for item in data.get("variables") or []
        if item.get("secret") and item.get("value") is not None
    }
    return DraftSecrets(variables=variables, password=data["image"].get("password"))


def read_component(reader: Reader, form: Form) -> Component:
    """Read one component; problems are noted, and the answer is whole only when there were none."""
    reader.fields(*_FIELDS)
    key = _key(reader.at("key"))
    ports = read_ports(reader.at("ports"), key, form)
    volumes = read_volumes(reader.at("volumes"))
    component = Component(
        key=key,
        name=reader.at("name").name(default=key or "…"),
        kind=cast(shape.Kind, reader.at("kind").choice(shape.KINDS, default="stateless")),
        image=_image(reader.at("image"), form),
        command=reader.at("command").texts(limit=100, most=4096),
        args=reader.at("args").texts(limit=100, most=4096),
        replicas=_replicas(reader.at("replicas")),
        resources=read_resources(reader.at("resources")),
        ports=ports,
        variables=read_variables(reader.at("variables"), form),
        files=read_files(reader.at("files"), volumes),
        volumes=volumes,
        probes=read_probes(reader.at("probes"), ports),
        run_as=_run_as(reader.at("run_as")),
        depends_on=_depends_on(reader.at("depends_on"), key),
        start_timeout=reader.at("start_timeout").number(default=300, least=10, most=3600),
    )
    _check_single_writer(reader, component)
    return component


def is_single_writer(component: Component) -> bool:
    """Tell whether a stateless component holds a volume only one node may write: then it runs as one pod at most."""
    alone = any(volume["access"] == "ReadWriteOnce" for volume in component["volumes"])
    return component["kind"] == "stateless" and alone


def _key(reader: Reader) -> str:
    key = reader.text(most=MAX_KEY, least=1)
    if key and not KEY.fullmatch(key):
        reader.wrong("not_a_slug")
    elif key in RESERVED_KEYS:
        reader.wrong("reserved", word=key)
    return key


def _image(reader: Reader, form: Form) -> Image:
    if form == "draft":
        return _draft_image(reader)
    published = ("source", "path", "digest", "media_type", "bytes", "platforms")
    environment = ("from", "reference", "user", "credential", "pull") if form == "revision" else ()
    if not reader.fields(*published, *environment):
        return Image()
    image = Image()
    if form == "revision":
        _environment_image(reader, image)
    if form == "version" or reader.at("path").given:
        image["path"] = reader.at("path").text(most=255, least=1, pattern=PATH, example="shop/web")
    if form == "version" or reader.at("digest").given:
        image["source"] = reader.at("source").text(default="", most=512)
        image["digest"] = reader.at("digest").text(most=71, least=1, pattern=DIGEST, example="sha256:…")
        image["media_type"] = reader.at("media_type").text(most=255, least=1)
        image["bytes"] = reader.at("bytes").number(default=0, least=0, most=MAX_IMAGE_BYTES)
        image["platforms"] = [_platform(item) for item in reader.at("platforms").items(64)]
    return image


def _environment_image(reader: Reader, image: Image) -> None:
    if reader.at("from").given:
        _from(reader, image)
    if reader.at("reference").given:
        image["reference"] = reader.at("reference").text(most=512)
        image["user"] = reader.at("user").text(default="", most=255) or None
    if reader.at("credential").given:
        image["credential"] = reader.at("credential").text(most=8, pattern=HEX8, example="9be01d77")
    if reader.at("pull").given:
        image["pull"] = reader.at("pull").text(most=1024, least=1)


def _draft_image(reader: Reader) -> Image:
    if not reader.fields("from", "reference", "user", "password"):
        return Image()
    image = Image()
    _from(reader, image)
    reference = reader.at("reference").text(most=512, least=1)
    if reference:
        try:
            parse_reference(reference)
        except NotAReference:
            reader.at("reference").wrong("reference_not_valid", reference=reference)
    user = reader.at("user").text(default="", most=255) or None
    reader.at("password").text(default="", most=4096)
    if user is None and reader.at("password").given:
        reader.at("user").wrong("required")
    if user is not None and "from" in image:
        reader.at("user").wrong("not_allowed")
    image["reference"], image["user"] = reference, user
    return image


def _from(reader: Reader, image: Image) -> None:
    """Note where the reference is looked up; a registry, the usual place, is not written down."""
    if reader.at("from").choice(shape.IMAGE_FROM, default="registry") == "docker":
        image["from"] = "docker"


def _platform(reader: Reader) -> Platform:
    reader.fields(*Platform.__annotations__)
    platform = Platform(
        os=reader.at("os").text(most=64, least=1),
        architecture=reader.at("architecture").text(most=64, least=1),
        digest=reader.at("digest").text(most=71, least=1, pattern=DIGEST, example="sha256:…"),
        config=reader.at("config").text(most=71, least=1, pattern=DIGEST, example="sha256:…"),
    )
    if reader.at("variant").given:
        platform["variant"] = reader.at("variant").text(most=64, least=1)
    return platform


def _replicas(reader: Reader) -> Replicas:
    if not reader.given:
        return Replicas(default=1, min=1, max=1, step=1)
    if not reader.fields("default", "min", "max", "step"):
        return Replicas(default=1, min=1, max=1, step=1)
    default = reader.at("default").number(default=1, least=1, most=shape.MAX_REPLICAS)
    least = reader.at("min").number(default=1, least=1, most=shape.MAX_REPLICAS)
    most = reader.at("max").number(default=max(default, least), least=1, most=shape.MAX_REPLICAS)
    step = reader.at("step").number(default=1, least=1, most=shape.MAX_REPLICAS)
    if most < least:
        reader.at("max").wrong("value_out_of_range", least=least, most=shape.MAX_REPLICAS)
    elif not least <= default <= most or (default - least) % step:
        reader.at("default").wrong("value_out_of_range", least=least, most=most)
    return Replicas(default=default, min=least, max=most, step=step)


def _run_as(reader: Reader) -> RunAs | None:
    if not reader.given or not reader.fields("user", "group"):
        return None
    user = reader.at("user").number(least=1, most=MAX_UID)
    return RunAs(user=user, group=reader.at("group").number(default=user, least=0, most=MAX_UID))


def _depends_on(reader: Reader, key: str) -> list[str]:
    keys: list[str] = []
    for item in reader.items(shape.MAX_COMPONENTS):
        name = item.text(most=MAX_KEY, least=1)
        if name and name == key:
            item.wrong("dependency_cycle", path=[key, key])
        elif name and name in keys:
            item.wrong("duplicate", value=name)
        keys.append(name)
    return keys


def _check_single_writer(reader: Reader, component: Component) -> None:
    if is_single_writer(component) and component["replicas"]["max"] > 1:
        reader.at("replicas").at("max").wrong("value_out_of_range", least=1, most=1)
