"""Worker processes for the proofs, on the database of this pytest process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clusters.kube import connect
from console.dev import process
from deploy.local.cluster import Cluster as LocalCluster
from tests.cast import Cast, make_cast
from tests.clusters.delivery.conftest import remove_namespace
from tests.environment import ROOT, beside
from tests.faults.hooks import VARIABLE, Plan
from tests.marketplace.conftest import name
from tests.marketplace.deliver.stage import Stage, make_stage
from tests.operations import toy
from tests.operations.conftest import ledger
from tests.operations.people import Shop, make_shop
from tests.waiting import until

__all__ = ["ledger", "name"]


def worker_environment() -> dict[str, str]:
    """Give the environment of a process that works on the tests' own database."""
    return beside(DJANGO_SETTINGS_MODULE="tests.faults.settings")


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    """An enterprise in a database that other processes see."""
    return make_shop()


@pytest.fixture(autouse=True, scope="session")
def _runners() -> None:
    from operations import registry

    for runner in (toy.ToyRunner(), toy.TidyRunner()):  # as other tests of this process register them
        registry.register(runner)
    for kind in (f"{base}_{n}" for base in ("toy", "tidy") for n in range(300)):
        base = toy.TidyRunner if kind.startswith("tidy") else toy.ToyRunner
        if registry.find(kind) is None:
            registry.register(type(kind, (base,), {"kind": kind})())


@dataclass
class Worker:
    """One worker process of the nursery."""

    pid: int
    nursery: Nursery
    output: Path

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it lives."""
        return self.nursery.gone.get(self.pid)

    @property
    def stands_still(self) -> bool:
        """Whether it is stopped by a signal."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def signal(self, name: str) -> None:
        """Send it a signal; one that has ended already gets none."""
        if self.code is None:
            os.kill(self.pid, signal.Signals[f"SIG{name}"])

    def wait(self, seconds: float = 30) -> int:
        """Wait for its end and give the exit code."""
        until(lambda: self.code is not None, seconds=seconds, what=f"the end of worker {self.pid}")
        assert self.code is not None
        return self.code

    def said(self) -> str:
        """Give what it wrote."""
        return self.output.read_text("utf-8", "replace") if self.output.exists() else ""


class Nursery:
    """Makes workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gone: dict[int, int] = {}
        self.workers: list[Worker] = []
        self._born: list[int] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=worker_environment(),
            cwd=ROOT,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "born" in said:
                self._born.append(said["born"])
            else:
                self.gone[said["gone"]] = said["code"]

    def worker(self, plan: Plan | None = None) -> Worker:
        """Start one."""
        assert self._process.stdin is not None
        output = self.folder / f"worker-{len(self.workers)}.log"
        count = len(self._born)
        wish = {"plan": (plan or Plan()).dump(), "output": str(output)}
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")
        self._process.stdin.flush()
        until(lambda: len(self._born) > count, seconds=60, what="a worker process")
        worker = Worker(self._born[-1], self, output)
        self.workers.append(worker)
        return worker

    def clear(self) -> None:
        """Kill every worker that is left, so that the tables can be emptied."""
        for worker in self.workers:
            worker.signal("KILL")
        for worker in self.workers:
            worker.wait()
        self.workers.clear()

    def close(self) -> None:
        """End the process; its children go with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)


@pytest.fixture(scope="session")
def _nursery(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("workers"))
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(_nursery: Nursery, shop: Shop) -> Iterator[Nursery]:
    """Workers on demand; all are gone before the tables are emptied."""
    yield _nursery
    _nursery.clear()


@pytest.fixture
def people(nursery: Nursery) -> Cast:
    """Everyone, in a database that the workers see."""
    return make_cast()


@pytest.fixture
def stage(people: Cast, cluster: LocalCluster, name: str) -> Iterator[Stage]:
    """Environments of this test alone on a real cluster."""
    made = make_stage(people, cluster, name)
    yield made
    for environment in made.places.values():
        if environment.cluster_id == made.cluster.pk:
            remove_namespace(cluster, environment.namespace)
    connect.close_all()


@pytest.fixture
def celery_worker(shop: Shop, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The worker as it is run: `celery -A console worker -P threads -c 2`, in a process group of its own."""
    line = [sys.executable, "-m", "celery", "-A", "console", "worker", "-P", "threads", "-c", "2", "-l", "warning"]
    with (tmp_path / "worker.log").open("ab") as output:
        worker = process.start(line, env={**worker_environment(), VARIABLE: Plan().dump()}, cwd=ROOT, output=output)
    yield worker
    if worker.poll() is None:
        worker.kill()
    worker.wait(timeout=20)
