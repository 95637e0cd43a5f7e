"""The door of a platform leads requests on by the domain of their host, once the address is free."""

from __future__ import annotations

import http.client
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import programs
from deploy.local.node.commands import INGRESS_PORT
from deploy.local.plan import LOOPBACK, free_ports
from deploy.local.platform import Platform
from deploy.local.process import wait_until

NOT_OURS = "no cluster of this platform"


@pytest.fixture
def port(real_platform: Platform, tmp_path: Path) -> Iterator[int]:
    """The port of a door that was opened while somebody else still had it."""
    cluster = next(iter(real_platform.clusters.values()))
    (port,) = free_ports(1)
    program = programs.ensure_recipe(programs.ROUTES) / "routes"
    line = [str(program), f"-listen={LOOPBACK}:{port}", f"-door=here.localhost={cluster.facts.host}:{INGRESS_PORT}"]
    with socket.create_server((LOOPBACK, port)), (tmp_path / "door.log").open("w") as log:
        door = subprocess.Popen(line, stderr=log)
        assert wait_until(lambda: "waits until" in (tmp_path / "door.log").read_text(), within=10)
    yield port
    door.terminate()
    door.wait(10)


def _ask(port: int, host: str) -> tuple[int, str]:
    line = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        line.request("GET", "/", headers={"Host": host})
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    except ConnectionError:
        return 0, ""
    finally:
        line.close()


def test_hosts_below_a_domain_reach_its_controller_and_others_nobody(port: int) -> None:
    assert wait_until(lambda: _ask(port, "shop.prod.here.localhost")[0] == http.client.NOT_FOUND, within=10)
    assert NOT_OURS not in _ask(port, f"shop.prod.here.localhost:{port}")[1]
    for host in ("shop.prod.elsewhere.localhost", "here.localhost", "example.com"):
        assert _ask(port, host)[0] == http.client.NOT_FOUND
        assert NOT_OURS in _ask(port, host)[1]
