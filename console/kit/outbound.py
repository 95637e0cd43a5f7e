"""The outbound guard: every connection the console makes to an address somebody typed goes through here.

A name is resolved once and the socket goes to the very address that was judged, so that a name which answers
differently the second time gains nothing. TLS and the Host header still carry the name. Proxy variables are ignored,
redirects are never followed here.

Denied for everyone: loopback, link-local (which holds the usual metadata service), other well-known metadata
addresses, multicast, unspecified, reserved and broadcast addresses, the forms of IPv6 that carry one of these inside
(mapped, compatible, NAT64, 6to4, Teredo), and the console's own database and Redis. Private ranges are open to what
an enterprise admin enters, since clusters live there, and closed to what a developer types. Networks in
WAYBILL_OUTBOUND_ALLOW are always open, the console's own database and Redis aside.
"""

from __future__ import annotations

import enum
import functools
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from console.kit.errors import Invalid

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

PORTS = {"http": 80, "https": 443}
OWN_SECONDS = 60.0

_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/127",
        "fe80::/10",
        "ff00::/8",
        # Metadata and host services of clouds that lie outside link-local.
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        "fd00:42::42/128",
    )
)
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")


class Trust(enum.Enum):
    """Who entered the address."""

    ADMIN = "admin"
    """An enterprise admin, or the shared registry an enterprise admin set: private ranges are open."""
    DEVELOPER = "developer"
    """A developer, in an image reference: public addresses only."""


@dataclass(frozen=True)
class Address:
    """A name, its port, and the addresses it was judged by: the only ones a connection may go to."""

    host: str
    port: int
    ips: tuple[str, ...]


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name. Raises socket.gaierror when it knows none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _embedded(ip: IP) -> Iterator[IP]:
    """Give the address and every IPv4 address it carries inside."""
    yield ip
    if isinstance(ip, ipaddress.IPv4Address):
        return
    if ip.ipv4_mapped:
        yield ip.ipv4_mapped
    if ip.sixtofour:
        yield ip.sixtofour
    if ip.teredo:
        yield from ip.teredo
    if ip in _COMPATIBLE or any(ip in network for network in _NAT64):
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


def _within(ip: IP, networks: Iterable[Network]) -> bool:
    return any(ip.version == network.version and ip in network for network in networks)


def allowed(text: str, trust: Trust) -> bool:
    """Tell whether a connection may go to this address, by the rules at the top of this module."""
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    listed: tuple[Network, ...] = tuple(settings.WAYBILL_OUTBOUND_ALLOW)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    if _within(mapped or ip, listed):
        return True
    return all(
        not _within(inner, _NEVER) and (trust is Trust.ADMIN or inner.is_global) for inner in _embedded(mapped or ip)
    )


@functools.lru_cache(maxsize=4)
def _own_services(_minute: int, addresses: tuple[tuple[str, int], ...]) -> frozenset[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for host, port in addresses:
        found.add((host, port))
        try:
            found.update((ip, port) for ip in system_resolver(host, port))
        except OSError:
            continue
    return frozenset(found)


def own_services() -> frozenset[tuple[str, int]]:
    """Give (host, port) of the console's database and Redis, by name and by address, looked up once a minute."""
    database: dict[str, Any] = settings.DATABASES["default"]
    addresses = [(str(database.get("HOST") or "localhost"), int(database.get("PORT") or 5432))]
    broker = urlsplit(str(settings.WAYBILL_REDIS_URL))
    if broker.hostname:
        addresses.append((broker.hostname, broker.port or 6379))
    reachable = tuple((host, port) for host, port in addresses if not host.startswith("/"))
    return _own_services(int(time.monotonic() / OWN_SECONDS), reachable)


def _is_own(ip: str, port: int) -> bool:
    plain = ipaddress.ip_address(ip.partition("%")[0])
    mapped = plain.ipv4_mapped if isinstance(plain, ipaddress.IPv6Address) else None
    return (str(mapped or plain), port) in own_services()


def resolve(host: str, port: int, *, trust: Trust, resolver: Resolver = system_resolver) -> Address:
    """Resolve a name once and keep the addresses a connection may go to.

    Raises Invalid address_denied when there is none among them, and socket.gaierror when the name is not known.
    """
    name = host.strip("[]").rstrip(".").lower()
    if not name or not 0 < port < 65536 or any(char.isspace() or ord(char) < 32 or char in "/@\\?#" for char in name):
        raise Invalid("address_denied", host=host)
    if (name, port) in own_services():
        raise Invalid("address_denied", host=host)
    try:
        ips = resolver(name, port)
    except UnicodeError as error:
        raise Invalid("address_denied", host=host) from error
    kept = tuple(ip for ip in ips if allowed(ip, trust) and not _is_own(ip, port))
    if not kept:
        raise Invalid("address_denied", host=host)
    return Address(name, port, kept)


def split(url: str) -> tuple[str, str, int]:
    """Give scheme, host and port of an http or https address; Invalid address_denied for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid("address_denied", host=url[:200]) from error
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
        raise Invalid("address_denied", host=(parts.hostname or url)[:200])
    return parts.scheme, parts.hostname, port or PORTS[parts.scheme]


def connect(address: Address, timeout: float) -> socket.socket:
    """Open a socket without delay to one of the judged addresses, tried in order, within `timeout` seconds.

    Raises OSError with the last one's reason.
    """
    until = time.monotonic() + timeout
    failure: OSError = TimeoutError("timed out")
    for ip in address.ips:
        left = until - time.monotonic()
        if left <= 0:
            break
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(left)
            sock.connect((ip, address.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            sock.settimeout(timeout)
            return sock
    raise failure


class SharedContext(ssl.SSLContext):
    """A context with which many threads shake hands at once.

    Clients set its protocols anew before each handshake. OpenSSL frees the former ones while another thread's handshake
    copies them, without a lock, and the server then meets garbage ("decode error"). So they are set once.
    """

    _settled = False

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Set the protocols, the first time."""
        if not self._settled:
            self._settled = True
            super().set_alpn_protocols(alpn_protocols)


def new_ssl_context(ca_pem: str | None) -> ssl.SSLContext:
    """Make a TLS context that trusts the given CAs alone, or the system's when none is given.

    Raises ssl.SSLError when the text holds no certificate.
    """
    if ca_pem and not ca_pem.isascii():
        raise ssl.SSLError("a certificate is written in ASCII")
    # A client's context asks for a certificate and checks the name in it from the start.
    context = SharedContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


ssl_context = functools.lru_cache(maxsize=256)(new_ssl_context)
"""The same, shared between connections (a context costs 27 ms to build). Never load a client certificate into it."""


class GuardedHTTPConnection(http.client.HTTPConnection):
    """An http.client connection that goes to its judged address, however often it is opened again."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address.host, address.port, timeout=timeout)
        self.address = address
        self.seconds = timeout

    def connect(self) -> None:
        """Open the socket."""
        self.sock = connect(self.address, self.seconds)


class GuardedHTTPSConnection(http.client.HTTPSConnection):
    """The same over TLS; the certificate must be for the name, not for the address."""

    def __init__(self, address: Address, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(address.host, address.port, timeout=timeout, context=context)
        self.address = address
        self.seconds = timeout
        self.context = context

    def connect(self) -> None:
        """Open the socket and shake hands."""
        plain = connect(self.address, self.seconds)
        try:
            self.sock = self.context.wrap_socket(plain, server_hostname=self.address.host)
        except BaseException:
            plain.close()
            raise


def open_connection(
    url: str, *, trust: Trust, ca_pem: str | None = None, timeout: float, resolver: Resolver = system_resolver
) -> http.client.HTTPConnection:
    """Give a blocking connection to the address of a URL (its path is not used), already open.

    `timeout` in seconds holds for connecting and for each read. Raises Invalid address_denied, OSError (ssl.SSLError is
    one) when the other side cannot be reached or is not trusted.
    """
    scheme, host, port = split(url)
    address = resolve(host, port, trust=trust, resolver=resolver)
    connection: GuardedHTTPConnection | GuardedHTTPSConnection
    if scheme == "https":
        connection = GuardedHTTPSConnection(address, timeout, ssl_context(ca_pem))
    else:
        connection = GuardedHTTPConnection(address, timeout)
    connection.connect()
    return connection
