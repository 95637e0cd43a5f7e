"""How a write leaves: whole, so that a process halted in the middle of it leaves nothing half done behind."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from clusters.kube import connect
from deploy.local.cluster import Cluster
from tests.clusters.kube.test_client import config_map


def pump(source: socket.socket, sink: socket.socket, seen: bytearray) -> None:
    """Hand on what comes, and keep it; ends both sides."""
    with source, sink, suppress(OSError):
        while part := source.recv(1 << 16):
            seen.extend(part)
            sink.sendall(part)


@contextmanager
def overheard(cluster: Cluster) -> Iterator[tuple[str, bytearray]]:
    """Give an address before the cluster, and what goes up there, sealed as it is."""
    up = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def carry() -> None:
            client, _ = server.accept()
            there = socket.create_connection((cluster.facts.host, cluster.facts.port))
            threading.Thread(target=pump, args=(there, client, bytearray()), daemon=True).start()
            pump(client, there, up)

        threading.Thread(target=carry, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", up


def records(sent: bytearray) -> int:
    """Count the TLS records."""
    count = at = 0
    while at < len(sent):
        count, at = count + 1, at + 5 + int.from_bytes(sent[at + 3 : at + 5], "big")
    return count


def test_a_write_leaves_in_one_piece_so_that_none_is_ever_half_sent(cluster: Cluster, namespace: str) -> None:
    with overheard(cluster) as (address, up):
        client = connect.for_parts(cluster.name, f"https://{address}", cluster.ca_pem, {"token": cluster.admin_token})
        client.version()
        up.clear()
        client.apply(config_map(namespace), "waybill:one")
        assert records(up) == 1
        client.channel.close()


def test_control_http_alone_sends_head_and_body_apart(cluster: Cluster, namespace: str) -> None:
    with overheard(cluster) as (address, up):
        context = ssl.create_default_context(cadata=cluster.ca_pem)
        line = http.client.HTTPSConnection(address, context=context)
        head = {"Authorization": f"Bearer {cluster.admin_token}", "Content-Type": "application/json"}
        line.request("GET", "/version", headers=head)
        line.getresponse().read()
        up.clear()
        body = json.dumps(config_map(namespace)).encode()
        line.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body, head)
        assert line.getresponse().status == 201
        assert records(up) == 2
        line.close()
