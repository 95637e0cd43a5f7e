"""Double clicks over two web processes, each with connections of its own: whatever is pressed how often, it is one
operation."""

from __future__ import annotations

import http.client
import json
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from clusters.models import Application, Revision
from console.dev import process
from console.probe import alive
from marketplace.models import Installation
from operations.models import IdempotencyKey, Operation
from tests.cast import Cast, make_cast
from tests.clusters.working import make_cluster, make_environment
from tests.environment import ROOT
from tests.faults.clicking import without, without_key
from tests.faults.conftest import worker_environment
from tests.faults.proofs import Tally
from tests.faults.size import size
from tests.faults.test_clicks import unique_name
from tests.marketplace import world

CLICKS, AT_ONCE = size(100, 5000), size(32, 256)
WISHES = 4
"""How often the control clicks: how many of one volley get through before the first has committed is chance."""
pytestmark = pytest.mark.timeout(size(240, 1800))


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Everyone, a released version, and places for it on a cluster that nobody asks."""
    cast = make_cast()
    world.make_version(world.make_template(cast.team, "goods"), "1.0", cast.developer, mark="release")
    make_environment(cast.team, make_cluster(cast.enterprise, health="online"), "place")
    return cast


@contextmanager
def web(folder: Path, number: int, *without: str) -> Iterator[str]:
    """One web process as it is deployed: gunicorn with threads. Gives its address."""
    port = process.free_port()
    address = f"127.0.0.1:{port}"
    line = [sys.executable, "-m", "gunicorn", "-c", "python:console.gunicorn", "--bind", address, "--workers", "1"]
    line += ["--threads", "8", "--backlog", "1024", "tests.faults.web:application"]
    environment = {**worker_environment(), "TESTS_WITHOUT": ",".join(without)}
    output = folder / f"web-{number}.log"
    with output.open("ab") as log:
        server = process.start(line, env=environment, cwd=ROOT, output=log)
    try:
        process.wait_until(lambda: alive(port), alive=lambda: server.poll() is None, what=f"the web ({output})")
        yield address
    finally:
        process.stop(server, signal.SIGTERM)


class Presser(threading.local):
    """One thread's connections to both processes."""

    def __init__(self, addresses: list[str], token: str) -> None:
        self.links = [http.client.HTTPConnection(address, timeout=60) for address in addresses]
        self.headers = {"Host": "testserver", "Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def press(self, number: int, key: str, body: bytes) -> tuple[int, str, bool]:
        """Click once, at one of the processes; gives status, operation, and whether it was told to be a repeat."""
        link = self.links[number % len(self.links)]
        for attempt in (1, 2):
            try:
                link.request("POST", "/api/v1/installations", body, {**self.headers, "Idempotency-Key": key})
                answer = link.getresponse()
                said = json.loads(answer.read())
                return answer.status, str(said.get("id") or said.get("code")), "Idempotent-Replayed" in answer.headers
            except (OSError, http.client.HTTPException):
                link.close()  # kept alive for too long: as a browser does, once more with the same key
                if attempt == 2:
                    raise
        raise AssertionError("the second attempt returns or raises")


def click(cast: Cast, addresses: list[str], keys: list[str], slug: str = "shop") -> list[tuple[int, str, bool]]:
    """Press *Install* once per key, so many at a time, alternating between the processes."""
    wish = {"template": "goods", "environments": ["place"], "app": {"slug": slug, "name": "Shop"}}
    body = json.dumps(wish).encode()
    token = cast.api("delivery").token
    assert token is not None
    presser = Presser(addresses, token)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda number: presser.press(number, keys[number], body), range(len(keys))))


def counts() -> tuple[int, int, int, int]:
    """Operations, applications, revisions, installations."""
    kinds: list[Any] = [Operation, Application, Revision, Installation]
    found = [kind.objects.count() for kind in kinds]
    return (found[0], found[1], found[2], found[3])


@pytest.mark.proof("R6")
def test_double_clicks_over_two_web_processes_are_one_installation(cast: Cast, tmp_path: Path, tally: Tally) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(web(tmp_path, number)) for number in range(2)]
        said = click(cast, both, ["the-click"] * CLICKS)
        assert Counter(status for status, _, _ in said) == {202: CLICKS}
        assert len({operation for _, operation, _ in said}) == 1
        assert sum(not repeated for _, _, repeated in said) == 1
        assert counts() == (1, 1, 1, 1)
        assert IdempotencyKey.objects.count() == 1
        # Other people, the same wish: one of them is first, and none is doubled.
        others = click(cast, both, [f"key-{number}" for number in range(CLICKS // 5)], slug="other")
        assert Counter(status for status, _, _ in others) == {202: 1, 409: CLICKS // 5 - 1}
        assert {code for status, code, _ in others if status == 409} == {"slug_taken"}
        assert counts() == (2, 2, 2, 2)
    tally.runs(CLICKS + CLICKS // 5)


@pytest.mark.control("R6")
def test_control_without_keys_two_web_processes_double(cast: Cast, tmp_path: Path) -> None:
    tables = ("idempotency_key", "application", "operation")
    name, definition = unique_name()
    with ExitStack() as stack:
        stack.enter_context(without_key(*tables))
        stack.enter_context(without(f"DROP INDEX {name}", definition, *tables))
        both = [stack.enter_context(web(tmp_path, number, "idempotency")) for number in range(2)]
        for number in range(WISHES):
            click(cast, both, ["the-click"] * AT_ONCE, slug=f"shop-{number}")
        assert counts()[0] > WISHES
