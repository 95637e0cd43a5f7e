"""Pasted kubeconfigs: what is read, and that the hostile ones run nothing and open nothing."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from clusters.kubeconfig import ClientCertificate, Connection, read_ca, read_endpoint, read_kubeconfig
from console.kit.errors import Invalid

PEM = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nTUlJQg==\n-----END RSA PRIVATE KEY-----\n"

_WATCHED = ("open", "os.", "subprocess.", "socket.", "import", "exec", "ctypes", "shutil.")
_seen: list[str] = []
_listening = False


def _hook(event: str, arguments: Any) -> None:
    if _listening and event.startswith(_WATCHED):
        _seen.append(f"{event} {arguments!r:.80}")


sys.addaudithook(_hook)


@contextmanager
def _nothing_happens() -> Iterator[None]:
    """Hold that the block starts no process, opens no file and no socket, and imports nothing."""
    global _listening
    _seen.clear()
    _listening = True
    try:
        yield
    finally:
        _listening = False
    assert _seen == []


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _config(
    *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    here = {"server": "https://10.77.0.12:6443", "certificate-authority-data": _b64(PEM)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "x"}}],
        "clusters": [{"name": "k", "cluster": here | (cluster or {})}],
        "users": [{"name": "u", "user": {"token": "t0ken"} if user is None else user}],
        "preferences": {},
    } | more


def _read(config: Any) -> Connection:
    text = config if isinstance(config, str) else json.dumps(config)
    with _nothing_happens():
        return read_kubeconfig(text)


def _refusal(config: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Invalid) as refusal:
        _read(config)
    return refusal.value.code, refusal.value.params


def test_a_token_is_read() -> None:
    read_kubeconfig(json.dumps(_config()))  # first, so that lazy imports of the standard library are done
    connection = _read(_config())
    assert connection == Connection("https://10.77.0.12:6443", PEM, "t0ken", None)
    assert connection.credential_kind == "token"
    assert "t0ken" not in repr(connection)


def test_a_client_certificate_is_read() -> None:
    user = {"client-certificate-data": _b64(PEM), "client-key-data": _b64(KEY)}
    connection = _read(_config(user=user))
    assert connection.client == ClientCertificate(PEM, KEY)
    assert (connection.token, connection.credential_kind) == (None, "client_certificate")


def test_yaml_as_tools_write_it_is_read() -> None:
    text = f"""
apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: {_b64(PEM)}
    server: https://k.example.com
  name: default
contexts:
- context: {{cluster: default, user: default}}
  name: default
current-context: default
preferences: {{}}
users:
- name: default
  user:
    token: abc
"""
    assert _read(text).endpoint == "https://k.example.com"


def test_the_only_context_needs_no_name() -> None:
    config = _config()
    del config["current-context"]
    assert _read(config).token == "t0ken"
    config["contexts"].append({"name": "d", "context": {"cluster": "k", "user": "u"}})
    assert _refusal(config) == ("kubeconfig_refused", {"entry": "current-context", "reason": "missing"})


@pytest.mark.parametrize(
    ("cluster", "user", "entry", "reason"),
    [
        ({}, {"exec": {"command": "touch", "args": ["/tmp/x"]}}, "users/u/exec", "runs_a_program"),
        (
            {},
            {"auth-provider": {"name": "gcp", "config": {"cmd-path": "sh"}}},
            "users/u/auth-provider",
            "runs_a_program",
        ),
        ({}, {"token": "t", "tokenFile": "/etc/passwd"}, "users/u/tokenFile", "names_a_file"),
        ({}, {"client-certificate": "/a", "client-key": "/b"}, "users/u/client-certificate", "names_a_file"),
        ({}, {"token": "t", "client-key": "/b"}, "users/u/client-key", "names_a_file"),
        ({}, {"username": "a", "password": "b"}, "users/u/username", "basic_authentication"),
        ({}, {"token": "t", "as": "admin"}, "users/u/as", "impersonates"),
        ({}, {"token": "t", "as-groups": ["system:masters"]}, "users/u/as-groups", "impersonates"),
        ({}, {"token": "t", "surprise": 1}, "users/u/surprise", "unknown_entry"),
        ({}, {}, "users/u/token", "missing"),
        ({}, {"token": "a\nb"}, "users/u/token", "malformed"),
        ({}, {"token": "t", "client-key-data": "x"}, "users/u/token", "two_credentials"),
        ({}, {"client-key-data": _b64(KEY)}, "users/u/client-certificate-data", "missing"),
        (
            {},
            {"client-certificate-data": _b64(PEM), "client-key-data": _b64(PEM)},
            "users/u/client-key-data",
            "malformed",
        ),
        ({"certificate-authority": "/etc/passwd"}, None, "clusters/k/certificate-authority", "names_a_file"),
        ({"insecure-skip-tls-verify": True}, None, "clusters/k/insecure-skip-tls-verify", "skips_verification"),
        ({"insecure-skip-tls-verify": "yes"}, None, "clusters/k/insecure-skip-tls-verify", "skips_verification"),
        ({"proxy-url": "http://evil"}, None, "clusters/k/proxy-url", "uses_a_proxy"),
        ({"tls-server-name": "a"}, None, "clusters/k/tls-server-name", "renames_the_server"),
        ({"certificate-authority-data": "!!"}, None, "clusters/k/certificate-authority-data", "malformed"),
        ({"certificate-authority-data": _b64("no pem")}, None, "clusters/k/certificate-authority-data", "malformed"),
        ({"certificate-authority-data": _b64(KEY)}, None, "clusters/k/certificate-authority-data", "malformed"),
        ({"server": None}, None, "clusters/k/server", "missing"),
        ({"server": "http://10.0.0.1"}, None, "clusters/k/server", "not_https"),
        ({"server": "file:///etc/passwd"}, None, "clusters/k/server", "not_https"),
        ({"server": "https://a:b@c"}, None, "clusters/k/server", "malformed"),
        ({"server": "https://a?x=1"}, None, "clusters/k/server", "malformed"),
        ({"server": "https://a:99999"}, None, "clusters/k/server", "malformed"),
        ({"server": "https://a\\@b"}, None, "clusters/k/server", "malformed"),
        ({"server": "https://"}, None, "clusters/k/server", "malformed"),
    ],
)
def test_what_is_not_on_the_list_is_refused_by_name(
    cluster: dict[str, Any], user: dict[str, Any] | None, entry: str, reason: str
) -> None:
    assert _refusal(_config(cluster=cluster, user=user)) == (
        "kubeconfig_refused",
        {"entry": entry, "reason": reason},
    )


def test_a_switch_that_is_off_changes_nothing() -> None:
    assert _read(_config(cluster={"insecure-skip-tls-verify": False, "proxy-url": ""})).token == "t0ken"


@pytest.mark.parametrize(
    ("changes", "entry", "reason"),
    [
        ({"kind": "Secret"}, "kind", "malformed"),
        ({"contexts": None}, "contexts", "missing"),
        ({"current-context": "other"}, "contexts/other", "not_found"),
        ({"clusters": []}, "clusters/k", "not_found"),
        ({"users": [{"name": "u", "user": None}]}, "users/u/user", "missing"),
        ({"users": [{"name": "u", "user": {}}] * 2}, "users/u", "duplicate"),
        ({"contexts": [{"name": "c", "context": {"cluster": "k"}}]}, "contexts/c/user", "missing"),
    ],
)
def test_a_config_that_hangs_together_badly_is_refused(changes: dict[str, Any], entry: str, reason: str) -> None:
    assert _refusal(_config(**changes)) == ("kubeconfig_refused", {"entry": entry, "reason": reason})


def test_text_that_is_no_config_is_refused() -> None:
    assert _refusal("[]") == ("kubeconfig_refused", {"entry": "", "reason": "malformed"})
    assert _refusal("a: !!python/object/apply:os.system ['touch /tmp/x']") == ("yaml_refused", {"limit": "tag"})


def test_addresses_are_written_one_way() -> None:
    assert read_endpoint("HTTPS://K.example.com:6443/") == "https://k.example.com:6443"
    assert read_endpoint("https://[2001:db8::1]:6443/path/") == "https://[2001:db8::1]:6443/path"
    assert read_ca("  ") == "" and read_ca(PEM) == PEM
    with pytest.raises(Invalid, match="kubeconfig_refused"):
        read_ca("/etc/ssl/ca.pem")
