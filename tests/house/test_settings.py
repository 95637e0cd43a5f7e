"""The environment: what is missing, malformed or unknown is refused at once, by name and without the value."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.kit import env
from console.kit.secrets import new_key
from tests.house.files import ROOT

LEAST = {
    "DATABASE_URL": "postgresql://waybill:word@db/waybill",
    "REDIS_URL": "redis://broker/0",
    "WAYBILL_SECRET_KEY": "s" * 50,
    "WAYBILL_KEYS": new_key(),
}


def test_the_least_environment_gives_the_documented_defaults() -> None:
    read = env.read(LEAST)
    assert (read.worker_slots, read.per_cluster, read.per_team) == (8, 4, 8)
    assert (read.copy_streams, read.copy_small) == (4, 16)
    assert (read.docker_host, read.docker_certs, read.docker_limit) == (None, None, 10 * 1024**3)
    assert (read.probe_every, read.observe_every, read.offline_after) == (4, 10, 1800)
    assert (read.deadline_delivery, read.deadline_publish, read.plan_valid) == (7200, 21600, 3600)
    assert (read.session_idle, read.session_max, read.token_max_days) == (1800, 43200, 365)
    assert (read.max_body, read.max_yaml, read.max_file) == (2 * 1024**2, 1024**2, 512 * 1024)
    assert (read.language, read.time_zone) == ("en", "UTC")
    assert (read.log_format, read.log_level) == ("json", "info")
    assert (read.outbound_allow, read.trusted_proxies, read.dev) == ((), (), False)
    assert read.data_dir == Path(".waybill")


def test_values_are_typed() -> None:
    said = {"WAYBILL_OUTBOUND_ALLOW": "127.0.0.0/8, ::1/128", "WAYBILL_MAX_BODY": "4 MiB", "WAYBILL_DEV": "on"}
    said |= {"WAYBILL_PUBLIC_URL": "https://console.example/", "WAYBILL_ALLOWED_HOSTS": "a.example,b.example"}
    read = env.read({**LEAST, **said})
    assert read.outbound_allow == (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    assert (read.max_body, read.dev, read.public_url) == (4 * 1024**2, True, "https://console.example")
    assert read.allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize("name", sorted(LEAST))
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(env.BadEnvironment, match=f"^{name} is missing$"):
        env.read({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAYBILL_SECRET_KEY", "short-and-sweet"),
        ("WAYBILL_KEYS", "k1:bm90LTMyLWJ5dGVz"),
        ("WAYBILL_PUBLIC_URL", "localhost:8000"),
        ("WAYBILL_PUBLIC_URL", "https://console.example/below"),
        ("WAYBILL_OUTBOUND_ALLOW", "127.0.0.1/8"),
        ("WAYBILL_TRUSTED_PROXIES", "proxy"),
        ("WAYBILL_WORKER_SLOTS", "0"),
        ("WAYBILL_PROBE_EVERY", "4s"),
        ("WAYBILL_TOKEN_MAX_DAYS", "366"),
        ("WAYBILL_MAX_BODY", "2 megabytes"),
        ("WAYBILL_LANGUAGE", "de"),
        ("WAYBILL_TIME_ZONE", "Mars/Olympus"),
        ("WAYBILL_LOG_LEVEL", "loud"),
        ("WAYBILL_DEV", "perhaps"),
        ("WAYBILL_DOCKER_HOST", "/run/engine"),
        ("WAYBILL_DOCKER_HOST", "unix://docker.sock"),
        ("WAYBILL_DOCKER_HOST", "http://engine.example:2375"),
        ("WAYBILL_DOCKER_HOST", "ssh://root@engine.example:22"),
        ("WAYBILL_DOCKER_HOST", "tcp://engine.internal"),
        ("WAYBILL_DOCKER_HOST", "tcp://engine.example:2376"),
        ("WAYBILL_DOCKER_CERTS", "/nowhere"),
        ("DATABASE_URL", "sqlite:///file"),
        ("REDIS_URL", "http://broker"),
    ],
)
def test_what_is_malformed_is_named_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(env.BadEnvironment) as caught:
        env.read({**LEAST, name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert value not in str(caught.value)


def test_a_docker_engine_is_a_socket_or_spoken_to_over_tls(tmp_path: Path) -> None:
    assert (
        env.read({**LEAST, "WAYBILL_DOCKER_HOST": "unix:///run/docker.sock"}).docker_host == "unix:///run/docker.sock"
    )
    said = {**LEAST, "WAYBILL_DOCKER_HOST": "tcp://engine.example:2376/", "WAYBILL_DOCKER_CERTS": str(tmp_path)}
    with pytest.raises(env.BadEnvironment, match=r"WAYBILL_DOCKER_CERTS: .*ca\.pem, cert\.pem and key\.pem"):
        env.read(said)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    read = env.read({**said, "WAYBILL_DOCKER_LIMIT": "2 GiB"})
    assert (read.docker_host, read.docker_certs) == ("tcp://engine.example:2376", tmp_path)
    assert read.docker_limit == 2 * 1024**3


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(env.BadEnvironment) as caught:
        env.read({"WAYBILL_WORKERSLOTS": "8", "WAYBILL_LANGUAGE": "de", **LEAST, "REDIS_URL": "x"})
    told = str(caught.value)
    assert "WAYBILL_WORKERSLOTS is not a setting" in told
    assert "WAYBILL_LANGUAGE: " in told
    assert "REDIS_URL: " in told


def test_a_value_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(LEAST["WAYBILL_KEYS"] + "\n")
    said = {name: value for name, value in LEAST.items() if name != "WAYBILL_KEYS"}
    read = env.read({**said, "WAYBILL_KEYS_FILE": str(tmp_path / "keys")})
    assert read.keys.get_secret_value() == LEAST["WAYBILL_KEYS"]
    with pytest.raises(env.BadEnvironment, match="both set"):
        env.read({**LEAST, "WAYBILL_KEYS_FILE": str(tmp_path / "keys")})
    with pytest.raises(env.BadEnvironment, match="cannot be read"):
        env.read({**said, "WAYBILL_KEYS_FILE": str(tmp_path / "absent")})


def test_secrets_do_not_show_in_the_environment_s_own_words() -> None:
    shown = repr(env.read(LEAST))
    assert LEAST["WAYBILL_KEYS"] not in shown
    assert LEAST["WAYBILL_SECRET_KEY"] not in shown
    assert "word@db" not in shown


def test_a_process_does_not_start_with_a_bad_environment() -> None:
    outside = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", "import console.wsgi"],
        env={**outside, **LEAST, "DJANGO_SETTINGS_MODULE": "console.settings", "WAYBILL_PORT": "8000"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.strip().endswith("BadEnvironment: WAYBILL_PORT is not a setting")
