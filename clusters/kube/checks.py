"""The checks of a cluster before it is connected, one question each: what was seen, or an error that says why not."""

from __future__ import annotations

import base64
import binascii
import json
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from clusters.kube import connect
from clusters.kube.channel import tls_context, tls_refusal
from clusters.kube.client import Client
from clusters.kube.errors import CredentialsRefused
from clusters.kube.protocol import Kube
from clusters.manifests import names
from console.kit import outbound
from console.kit.errors import Rejected

CONNECT_SECONDS = 5.0
LEAST = (1, 29)
TRIED = ((1, 34), (1, 37))
_VERSION = re.compile(r"^v?(\d+)\.(\d+)")


@dataclass(frozen=True)
class Target:
    """A cluster as somebody entered it: nothing in it is trusted."""

    endpoint: str
    ca_pem: str
    credential: dict[str, str]

    @property
    def host(self) -> str:
        """The host, for people."""
        return outbound.split(self.endpoint)[1]

    def resolve(self) -> outbound.Address:
        """Judge the address. Raises Invalid address_denied, Rejected address_unreachable when the name is not known."""
        scheme, host, port = outbound.split(self.endpoint)
        if scheme != "https":
            raise Rejected("address_denied", host=host)
        try:
            return outbound.resolve(host, port, trust=outbound.Trust.ADMIN)
        except OSError as error:
            raise Rejected("address_unreachable", host=host, reason="name_unknown") from error

    def client(self) -> Client:
        """Give a client on a line of its own."""
        try:
            return connect.for_parts(self.host, self.endpoint, self.ca_pem, self.credential)
        except ssl.SSLError as error:
            raise CredentialsRefused(self.host) from error


def address(target: Target) -> dict[str, Any]:
    """The address may be connected to, and its name is known."""
    found = target.resolve()
    return {"host": found.host, "port": found.port, "ips": list(found.ips)}


def tcp(target: Target) -> dict[str, Any]:
    """Something listens there."""
    found = target.resolve()
    with _connected(found):
        return {}


def _connected(found: outbound.Address) -> socket.socket:
    try:
        return outbound.connect(found, CONNECT_SECONDS)
    except TimeoutError as error:
        raise Rejected("address_unreachable", host=found.host, reason="timed_out") from error
    except ConnectionRefusedError as error:
        raise Rejected("address_unreachable", host=found.host, reason="refused") from error
    except OSError as error:
        raise Rejected("address_unreachable", host=found.host, reason="no_route") from error


def tls(target: Target) -> dict[str, Any]:
    """It speaks TLS, with a certificate for this name from a CA that was given (or the system's)."""
    found = target.resolve()
    try:
        context = tls_context(target.ca_pem)
    except ssl.SSLError as error:
        raise Rejected("tls_not_trusted", host=found.host, reason="the CA cannot be read") from error
    with _connected(found) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=found.host) as secured:
                return {"certificate_expires_at": _not_after(secured.getpeercert(binary_form=True))}
        except ssl.SSLError as error:
            raise (
                tls_refusal(error, found.host) or Rejected("tls_not_trusted", host=found.host, reason="no TLS")
            ) from error
        except OSError as error:
            raise Rejected("tls_not_trusted", host=found.host, reason="no TLS") from error


def _not_after(der: bytes | None) -> str | None:
    return _time(x509.load_der_x509_certificate(der).not_valid_after_utc) if der else None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def expires_at(credential: dict[str, str]) -> datetime | None:
    """Read when a token (a JWT) or client certificate ends; None when it does not say."""
    try:
        if certificate := credential.get("certificate"):
            return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
        parts = credential.get("token", "").split(".")
        if len(parts) != 3:
            return None
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (ValueError, binascii.Error, KeyError, TypeError, OverflowError, OSError):
        return None


def authentication(target: Target, kube: Kube) -> dict[str, Any]:
    """The credential is good: the server says as whom it sees it."""
    ends = expires_at(target.credential)
    try:
        user = kube.who()
    except CredentialsRefused as error:
        if ends is not None and ends < datetime.now(UTC):
            raise Rejected("credentials_expired", cluster=target.host) from error
        raise
    if not user or user == "system:anonymous":
        raise CredentialsRefused(target.host)
    return {"user": user, "expires_at": _time(ends) if ends else None}


@dataclass(frozen=True)
class Right:
    """One thing the console must be allowed to do."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""


_RBAC = "rbac.authorization.k8s.io"


def _rights() -> tuple[Right, ...]:
    """What the console itself needs on a cluster; delivering is done with the keys it makes."""
    rights = [Right(verb, "namespaces") for verb in ("get", "list", "create", "patch", "delete")]
    rights += [Right("list", "nodes"), Right("list", "storageclasses", "storage.k8s.io")]
    for role in (names.PREPARE, names.DEPLOY):
        rights += [Right(verb, "rolebindings", _RBAC, name=role) for verb in ("get", "create", "patch", "delete")]
        rights.append(Right("bind", "clusterroles", _RBAC, name=role))
    system = names.SYSTEM_NAMESPACE
    rights += [Right(v, "serviceaccounts", namespace=system) for v in ("get", "create", "patch", "delete")]
    rights.append(Right("create", "serviceaccounts/token", namespace=system))
    rights += [Right("list", kind) for kind in ("pods", "events", "persistentvolumeclaims", "services")]
    rights += [Right("list", kind, "apps") for kind in ("deployments", "statefulsets", "replicasets")]
    return tuple(rights)


RIGHTS = _rights()


def missing(kube: Kube, right: Right) -> Right | None:
    """Ask for one right; give it back when it is missing."""
    resource, _, subresource = right.resource.partition("/")
    allowed = kube.may(
        right.verb,
        resource,
        group=right.group,
        namespace=right.namespace,
        name=right.name,
        subresource=subresource,
    )
    return None if allowed else right


def describe(right: Right) -> str:
    """Give a right's resource as people read it: with its group, name and namespace where it has them."""
    text = f"{right.resource}.{right.group}" if right.group else right.resource
    text += f"/{right.name}" if right.name else ""
    return f"{text} ({right.namespace})" if right.namespace else text


def version(kube: Kube) -> dict[str, Any]:
    """The server is not too old, and says which cluster it is: the uid of kube-system never changes."""
    given = str(kube.version().get("gitVersion", ""))
    number = parse_version(given)
    if number is None or number < LEAST:
        raise Rejected("version_unsupported", version=given, least=".".join(map(str, LEAST)))
    namespace = kube.get("Namespace", "kube-system")
    uid = str((namespace or {}).get("metadata", {}).get("uid", ""))
    if not uid:
        raise Rejected("permission_missing", verb="get", resource="namespaces/kube-system")
    return {"version": given, "uid": uid}


def parse_version(text: str) -> tuple[int, int] | None:
    """Read major and minor of a server's version."""
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2])) if match else None


def tried(text: str) -> bool:
    """Tell whether the console was tried with this minor version."""
    number = parse_version(text)
    return number is not None and TRIED[0] <= number <= TRIED[1]
