"""A pasted kubeconfig, read by an allow-list: address, inline CA, and an inline token or client certificate.

The stock loader runs programs (`exec`, `auth-provider`) and reads files that the text names. Here nothing is run and
nothing is opened: the text is parsed within limits, the fields we know are taken, and everything else that would change
how a connection is made is refused with its name.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from console.kit import yaml
from console.kit.errors import Invalid

_PEM = re.compile(
    r"\s*(?:-----BEGIN (?P<kind>[A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\r\n]+-----END (?P=kind)-----\s*)+", re.ASCII
)
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")

_CLUSTER_REFUSED = {
    "certificate-authority": "names_a_file",
    "insecure-skip-tls-verify": "skips_verification",
    "proxy-url": "uses_a_proxy",
    "tls-server-name": "renames_the_server",
}
_USER_REFUSED = {
    "exec": "runs_a_program",
    "auth-provider": "runs_a_program",
    "tokenFile": "names_a_file",
    "client-certificate": "names_a_file",
    "client-key": "names_a_file",
    "username": "basic_authentication",
    "password": "basic_authentication",
    "as": "impersonates",
    "as-uid": "impersonates",
    "as-groups": "impersonates",
    "as-user-extra": "impersonates",
}
_CLUSTER_KNOWN = {"server", "certificate-authority-data", "disable-compression", "extensions", *_CLUSTER_REFUSED}
_USER_KNOWN = {"token", "client-certificate-data", "client-key-data", "extensions", *_USER_REFUSED}


@dataclass(frozen=True)
class ClientCertificate:
    """A client certificate and its key, PEM."""

    certificate_pem: str
    key_pem: str


@dataclass(frozen=True)
class Connection:
    """What is needed to reach a cluster: address, CA (PEM; empty: the system's) and one credential."""

    endpoint: str
    ca_pem: str
    token: str | None
    client: ClientCertificate | None

    @property
    def credential_kind(self) -> str:
        """`token` or `client_certificate`."""
        return "token" if self.client is None else "client_certificate"

    def __repr__(self) -> str:
        return f"Connection(endpoint={self.endpoint!r}, credential={self.credential_kind})"


def read_kubeconfig(text: str | bytes, *, max_bytes: int = yaml.MAX_BYTES) -> Connection:
    """Read the current context of a kubeconfig of at most `max_bytes`; with one context only, that one.

    Raises Invalid `kubeconfig_refused` (entry: the path of what is refused; reason: a word of the tables above, or
    `missing`, `not_found`, `duplicate`, `unknown_entry`, `malformed`, `not_https`, `two_credentials`), and
    `yaml_refused`.
    """
    config = yaml.load(text, max_bytes=max_bytes)
    if not isinstance(config, dict):
        raise _refused("", "malformed")
    if config.get("kind", "Config") != "Config" or config.get("apiVersion", "v1") != "v1":
        raise _refused("kind", "malformed")
    context = _context(config)
    cluster = _named(config, "clusters", "cluster", context["cluster"])
    user = _named(config, "users", "user", context["user"])
    _check_entries(cluster, f"clusters/{context['cluster']}", _CLUSTER_REFUSED, _CLUSTER_KNOWN)
    _check_entries(user, f"users/{context['user']}", _USER_REFUSED, _USER_KNOWN)
    place = f"clusters/{context['cluster']}/"
    ca_entry = f"{place}certificate-authority-data"
    token, client = _credential(user, f"users/{context['user']}/")
    return Connection(
        endpoint=read_endpoint(cluster.get("server"), entry=f"{place}server"),
        ca_pem=_pem(cluster.get("certificate-authority-data"), ca_entry, {"CERTIFICATE"}, optional=True),
        token=token,
        client=client,
    )


def read_endpoint(value: Any, *, entry: str = "server") -> str:
    """Read a cluster's address: `https`, a host, perhaps a port and a path; no user, query or fragment.

    Raises Invalid `kubeconfig_refused`.
    """
    if value is None or value == "":
        raise _refused(entry, "missing")
    if not isinstance(value, str) or len(value) > 2048 or not value.isprintable() or " " in value or "\\" in value:
        raise _refused(entry, "malformed")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise _refused(entry, "malformed") from error
    if parts.scheme.lower() != "https":
        raise _refused(entry, "not_https")
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment or port == 0:
        raise _refused(entry, "malformed")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def read_ca(value: str) -> str:
    """Read a CA given as PEM; empty means the system's. Raises Invalid `kubeconfig_refused`."""
    if not value.strip():
        return ""
    return _checked_pem(value, "ca_pem", {"CERTIFICATE"})


def _refused(entry: str, reason: str) -> Invalid:
    return Invalid("kubeconfig_refused", entry=entry[:200], reason=reason)


def _context(config: dict[str, Any]) -> dict[str, str]:
    name = config.get("current-context")
    if not name:
        contexts = config.get("contexts")
        if not isinstance(contexts, list) or len(contexts) != 1 or not isinstance(contexts[0], dict):
            raise _refused("current-context", "missing")
        name = contexts[0].get("name")
    if not isinstance(name, str):
        raise _refused("current-context", "malformed")
    context = _named(config, "contexts", "context", name)
    for part in ("cluster", "user"):
        if not isinstance(context.get(part), str) or not context[part]:
            raise _refused(f"contexts/{name}/{part}", "missing")
    return {"cluster": context["cluster"], "user": context["user"]}


def _named(config: dict[str, Any], group: str, inner: str, name: str) -> dict[str, Any]:
    """Take the one entry of that name out of a named list."""
    entries = config.get(group)
    if not isinstance(entries, list):
        raise _refused(group, "missing")
    matching = [entry for entry in entries if isinstance(entry, dict) and entry.get("name") == name]
    if not matching:
        raise _refused(f"{group}/{name}", "not_found")
    if len(matching) > 1:
        raise _refused(f"{group}/{name}", "duplicate")
    content = matching[0].get(inner)
    if not isinstance(content, dict):
        raise _refused(f"{group}/{name}/{inner}", "missing")
    return content


def _check_entries(content: dict[str, Any], place: str, refused: dict[str, str], known: set[str]) -> None:
    for entry, value in content.items():
        # A switch that is off and a name that is empty change nothing.
        if entry in refused and value not in (False, None, ""):
            raise _refused(f"{place}/{entry}", refused[entry])
        if entry not in known:
            raise _refused(f"{place}/{entry}", "unknown_entry")


def _credential(user: dict[str, Any], place: str) -> tuple[str | None, ClientCertificate | None]:
    token, certificate, key = (user.get(name) for name in ("token", "client-certificate-data", "client-key-data"))
    if token and (certificate or key):
        raise _refused(f"{place}token", "two_credentials")
    if token:
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise _refused(f"{place}token", "malformed")
        return token, None
    keys = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}
    if not certificate and not key:
        raise _refused(f"{place}token", "missing")
    return None, ClientCertificate(
        certificate_pem=_pem(certificate, f"{place}client-certificate-data", {"CERTIFICATE"}),
        key_pem=_pem(key, f"{place}client-key-data", keys),
    )


def _pem(value: Any, entry: str, kinds: set[str], *, optional: bool = False) -> str:
    if not value:
        if optional:
            return ""
        raise _refused(entry, "missing")
    if not isinstance(value, str):
        raise _refused(entry, "malformed")
    try:
        decoded = base64.b64decode("".join(value.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _refused(entry, "malformed") from error
    return _checked_pem(decoded, entry, kinds)


def _checked_pem(text: str, entry: str, kinds: set[str]) -> str:
    found = set(re.findall(r"-----BEGIN ([A-Z0-9 ]+)-----", text))
    if not _PEM.fullmatch(text) or not found or not found <= kinds | ({"EC PARAMETERS"} if len(kinds) > 1 else set()):
        raise _refused(entry, "malformed")
    return text.strip() + "\n"
