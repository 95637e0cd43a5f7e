"""The settings' only source: environment variables, typed, refused at once when missing, malformed or unknown.

Each name may be given as NAME or as NAME_FILE (a path whose content is the value, as container secrets are mounted).
Durations are whole seconds; sizes are bytes and may be written with KiB, MiB or GiB.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)

from console.kit.secrets import read_keys

PREFIX = "WAYBILL_"
_UNITS = {"": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BadEnvironment(Exception):
    """The environment cannot be run with; the message names every variable at fault, and never a value."""


def _list(value: Any) -> Any:
    return [part for part in (piece.strip() for piece in value.split(",")) if part] if isinstance(value, str) else value


def _size(value: Any) -> Any:
    match = re.fullmatch(r"(\d+)\s*([KkMmGg]i[Bb])?", value) if isinstance(value, str) else None
    return int(match[1]) * _UNITS[(match[2] or "").lower()] if match else value


def _keys(value: SecretStr) -> SecretStr:
    read_keys(value.get_secret_value())
    return value


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 50:
        raise ValueError("at least 50 characters are needed")
    return value


def _word(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 32:
        raise ValueError("at least 32 characters are needed")
    return value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise ValueError("an address like https://console.example, without a path, is needed")
    return f"{parts.scheme}://{parts.netloc}"


def _database(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in {"postgres", "postgresql"}:
        raise ValueError("a PostgreSQL address is needed")
    return value


def _redis(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss"}:
        raise ValueError("a Redis address is needed")
    return value


def _certificates(value: Path) -> Path:
    if not all((value / name).is_file() for name in ("ca.pem", "cert.pem", "key.pem")):
        raise ValueError("a folder with ca.pem, cert.pem and key.pem is needed")
    return value


def _engine(value: str, info: ValidationInfo) -> str:
    """A socket of this machine, or an address that is spoken to over TLS alone: who reaches an engine owns its host."""
    parts = urlsplit(value)
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/") and parts.path != "/":
        return value
    if parts.scheme != "tcp" or not parts.hostname or not parts.port or parts.path not in {"", "/"} or parts.username:
        raise ValueError("an address like unix:///var/run/docker.sock or tcp://engine.example:2376 is needed")
    if info.data.get("docker_certs") is None:
        raise ValueError("a tcp:// address needs WAYBILL_DOCKER_CERTS")
    return f"tcp://{parts.netloc}"


def _zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise ValueError("not the name of a time zone")
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_list)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_list)]
Size = Annotated[int, BeforeValidator(_size), Field(ge=1024)]
Seconds = Annotated[int, Field(ge=1, le=30 * 86400)]
Count = Annotated[int, Field(ge=1, le=1024)]


class Environment(BaseModel):
    """Every variable the console reads. Field names are the variables' own, without the prefix and in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_database)]
    redis_url: Annotated[SecretStr, AfterValidator(_redis)]

    secret_key: Annotated[SecretStr, AfterValidator(_long)]
    keys: Annotated[SecretStr, AfterValidator(_keys)]
    public_url: Annotated[str, AfterValidator(_web_address)] = "http://127.0.0.1:8000"
    allowed_hosts: Words = ()
    trusted_proxies: Networks = ()
    outbound_allow: Networks = ()

    worker_slots: Count = 8
    per_cluster: Count = 4
    per_team: Count = 8
    copy_streams: Count = 4
    copy_small: Count = 16

    # The folder stands before the address, which is judged by it.
    docker_certs: Annotated[Path, AfterValidator(_certificates)] | None = None
    docker_host: Annotated[str, AfterValidator(_engine)] | None = None
    docker_limit: Size = 10 * 1024**3

    probe_every: Seconds = 4
    observe_every: Seconds = 10
    offline_after: Seconds = 1800
    deadline_delivery: Seconds = 7200
    deadline_publish: Seconds = 21600
    plan_valid: Seconds = 3600
    session_idle: Seconds = 1800
    session_max: Seconds = 43200
    token_max_days: Annotated[int, Field(ge=1, le=365)] = 365

    max_body: Size = 2 * 1024**2
    max_yaml: Size = 1024**2
    max_file: Size = 512 * 1024

    language: Literal["en", "zh-hans"] = "en"
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics: Annotated[SecretStr, AfterValidator(_word)] | None = None
    data_dir: Path = Path(".waybill")
    # Set by `manage.py dev` and the tests alone: static files straight from their source folders.
    dev: bool = False


_UNPREFIXED = {"database_url", "redis_url"}


def variable(field: str) -> str:
    """Give the environment variable's name of a field."""
    return field.upper() if field in _UNPREFIXED else PREFIX + field.upper()


def _value(environ: Mapping[str, str], name: str) -> str | None:
    """Read NAME, or the file NAME_FILE names (its last line break does not count); refuse both at once."""
    direct, path = environ.get(name), environ.get(f"{name}_FILE")
    if path is None:
        return direct
    if direct is not None:
        raise BadEnvironment(f"{name} and {name}_FILE are both set")
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadEnvironment(f"{name}_FILE names a file that cannot be read") from error


def read(environ: Mapping[str, str]) -> Environment:
    """Read and check the whole environment.

    Raises BadEnvironment naming each variable that is missing, malformed or (with the WAYBILL_ prefix) unknown.
    """
    names = {variable(field): field for field in Environment.model_fields}
    known = {*names, *(f"{name}_FILE" for name in names)}
    faults = [f"{name} is not a setting" for name in sorted(environ) if name.startswith(PREFIX) and name not in known]
    given = {field: value for name, field in names.items() if (value := _value(environ, name)) is not None}
    try:
        environment = Environment.model_validate(given)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name = variable(str(fault["loc"][0]))
            faults.append(f"{name} is missing" if fault["type"] == "missing" else f"{name}: {fault['msg']}")
        raise BadEnvironment("; ".join(faults)) from None
    if faults:
        raise BadEnvironment("; ".join(faults))
    return environment
