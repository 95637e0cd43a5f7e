"""The outbound guard: hostile addresses never get a connection, judged names are connected to as judged."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from console.kit.errors import Invalid
from console.kit.outbound import Trust, allowed, connect, new_ssl_context, open_connection, resolve, split

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@pytest.fixture(autouse=True)
def _closed(settings: Settings) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = ()


def names(**table: list[str]) -> Callable[[str, int], list[str]]:
    """Give a resolver that knows these names; anything else is looked up as the system would (literals)."""

    def find(host: str, port: int) -> list[str]:
        key = host.replace(".", "_").replace("-", "_")
        if key in table:
            return table[key]
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]

    return find


NEVER = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
]
PRIVATE = ["10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "fd12:3456::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("ip", NEVER)
@pytest.mark.parametrize("trust", list(Trust))
def test_never_allowed(ip: str, trust: Trust) -> None:
    assert not allowed(ip, trust)


@pytest.mark.parametrize("ip", PRIVATE)
def test_private_ranges_are_for_admins(ip: str) -> None:
    assert allowed(ip, Trust.ADMIN)
    assert not allowed(ip, Trust.DEVELOPER)


@pytest.mark.parametrize("ip", PUBLIC)
@pytest.mark.parametrize("trust", list(Trust))
def test_public_addresses_are_allowed(ip: str, trust: Trust) -> None:
    assert allowed(ip, trust)


def test_what_is_no_address_is_not_allowed() -> None:
    assert not allowed("example.com", Trust.ADMIN)


def test_the_allow_list_opens_a_network(settings: Settings) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = (LOOPBACK,)
    assert allowed("127.0.0.1", Trust.DEVELOPER)
    assert allowed("::ffff:127.0.0.1", Trust.DEVELOPER)
    assert not allowed("::1", Trust.ADMIN)
    assert not allowed("169.254.169.254", Trust.ADMIN)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:11211/",
        "ftp://example.com/",
        "unix:///var/run/docker.sock",
        "//example.com",
        "example.com:443",
        "https://",
        "https://user:password@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com:99999/",
        "https://example.com:abc/",
        "https://[::1/",
    ],
)
def test_addresses_that_cannot_be_meant_are_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        split(url)
    assert caught.value.code == "address_denied"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://localhost:{port}/",
        "http://LOCALHOST.:{port}/",
    ],
)
def test_no_spelling_of_loopback_reaches_a_listening_socket(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        with pytest.raises((Invalid, OSError)):
            open_connection(url.format(port=server.getsockname()[1]), trust=Trust.ADMIN, timeout=1)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_name_that_answers_with_a_denied_address_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        resolve("evil.example", 443, trust=Trust.ADMIN, resolver=names(evil_example=["169.254.169.254"]))
    assert caught.value.params == {"host": "evil.example"}


def test_only_the_allowed_answers_are_kept() -> None:
    found = resolve("two.example", 443, trust=Trust.DEVELOPER, resolver=names(two_example=["10.0.0.1", "8.8.8.8"]))
    assert found.ips == ("8.8.8.8",)
    assert (found.host, found.port) == ("two.example", 443)


def test_an_unknown_name_says_so() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(socket.gaierror):
        resolve("nowhere.example", 443, trust=Trust.ADMIN, resolver=unknown)


def test_rebinding_gains_nothing(settings: Settings) -> None:
    """The name is asked once; the second answer (a denied listener) is never connected to, even when reopened."""
    settings.WAYBILL_OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.2/32"),)
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.3"]

    with socket.create_server(("127.0.0.2", 0)) as good:
        port = good.getsockname()[1]
        with socket.create_server(("127.0.0.3", port)) as bad:
            connection = open_connection(
                f"http://rebind.example:{port}/", trust=Trust.ADMIN, timeout=2, resolver=rebinding
            )
            connection.close()
            connection.connect()
            assert connection.sock.getpeername()[0] == "127.0.0.2"
            connection.close()
            assert asked == ["rebind.example"]
            bad.settimeout(0.05)
            with pytest.raises(TimeoutError):
                bad.accept()
            with pytest.raises(Invalid):
                open_connection(f"http://rebind.example:{port}/", trust=Trust.ADMIN, timeout=2, resolver=rebinding)


def test_the_consoles_own_database_and_redis_are_denied(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = (LOOPBACK, ipaddress.ip_network("10.1.2.3/32"))
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", "10.1.2.3")
    monkeypatch.setitem(settings.DATABASES["default"], "PORT", "5433")
    settings.WAYBILL_REDIS_URL = "redis://127.0.0.1:6390/0"
    for host, port in [("10.1.2.3", 5433), ("127.0.0.1", 6390), ("::ffff:127.0.0.1", 6390)]:
        with pytest.raises(Invalid):
            resolve(host, port, trust=Trust.ADMIN)
    with pytest.raises(Invalid):
        resolve("db.example", 5433, trust=Trust.ADMIN, resolver=names(db_example=["10.1.2.3"]))
    assert resolve("10.1.2.3", 443, trust=Trust.ADMIN).ips == ("10.1.2.3",)


@pytest.mark.parametrize("host", ["", "a b", "a\nb", "a/b", "user@host", "a?b"])
def test_a_host_that_is_no_host_is_denied(host: str) -> None:
    with pytest.raises(Invalid):
        resolve(host, 443, trust=Trust.ADMIN, resolver=lambda h, p: ["8.8.8.8"])


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_denied(port: int) -> None:
    with pytest.raises(Invalid):
        resolve("1.1.1.1", port, trust=Trust.ADMIN)


def test_proxy_variables_are_ignored(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = (LOOPBACK,)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        port = server.getsockname()[1]
        connection = open_connection(f"http://127.0.0.1:{port}/", trust=Trust.DEVELOPER, timeout=2)
        assert connection.sock.getpeername() == ("127.0.0.1", port)
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()


def test_connecting_tries_each_address_and_says_the_last_reason(settings: Settings) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = (LOOPBACK,)
    with socket.create_server(("127.0.0.5", 0)) as server:
        port = server.getsockname()[1]
        both = resolve("x.example", port, trust=Trust.ADMIN, resolver=names(x_example=["127.0.0.4", "127.0.0.5"]))
        with connect(both, 2) as sock:
            assert sock.getpeername()[0] == "127.0.0.5"
        alone = resolve("y.example", port, trust=Trust.ADMIN, resolver=names(y_example=["127.0.0.4"]))
        with pytest.raises(ConnectionRefusedError):
            connect(alone, 2)


def issue(folder: Path, name: x509.GeneralName, common: str) -> tuple[str, str]:
    """Make a self-signed certificate for a name; give (its PEM, the path of PEM and key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{common}.pem"
    path.write_bytes(pem + secret)
    return pem.decode(), str(path)


@contextmanager
def https_server(certificate: str) -> Iterator[tuple[int, list[str | None]]]:
    """Serve one line over TLS on a free loopback port; give the port and the server names that were asked for."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda sock, name, ctx: asked.append(name)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as sock:
                        head = sock.recv(4096).decode()
                        host = next(line[6:] for line in head.split("\r\n") if line.startswith("Host: "))
                        sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(host)}\r\n\r\n{host}".encode())
                except (OSError, StopIteration):
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_tls_carries_the_name_and_goes_to_the_address(settings: Settings, tmp_path: Path) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = (LOOPBACK,)
    pem, path = issue(tmp_path, x509.DNSName("cluster.example"), "cluster.example")
    with https_server(path) as (port, asked):
        connection = open_connection(
            f"https://cluster.example:{port}",
            trust=Trust.ADMIN,
            ca_pem=pem,
            timeout=5,
            resolver=names(cluster_example=["127.0.0.1"]),
        )
        connection.request("GET", "/")
        assert connection.getresponse().read() == f"cluster.example:{port}".encode()
        connection.close()
        assert asked == ["cluster.example"]


def test_tls_of_another_name_or_another_ca_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = (LOOPBACK,)
    pem, path = issue(tmp_path, x509.DNSName("cluster.example"), "cluster.example")
    other, _ = issue(tmp_path, x509.DNSName("cluster.example"), "other")
    arguments: dict[str, Any] = {"trust": Trust.ADMIN, "timeout": 5}
    with https_server(path) as (port, _asked):
        for host, ca in [("other.example", pem), ("cluster.example", other), ("cluster.example", None)]:
            with pytest.raises(ssl.SSLCertVerificationError):
                open_connection(
                    f"https://{host}:{port}",
                    ca_pem=ca,
                    resolver=names(other_example=["127.0.0.1"], cluster_example=["127.0.0.1"]),
                    **arguments,
                )
        with pytest.raises(ssl.SSLError):
            open_connection(f"https://127.0.0.1:{port}", ca_pem="no certificate", **arguments)


def test_the_protocols_of_a_shared_context_are_set_once() -> None:
    context = new_ssl_context(None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    # What a client asks for before each handshake is passed over: even protocols that no context would take.
    context.set_alpn_protocols([""])
