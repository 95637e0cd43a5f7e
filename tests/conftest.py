"""What every test stands on: a real PostgreSQL for the run, the settings made for it, the plugins of the real parts."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
from pathlib import Path

import django
import pytest

from console.dev.servers import Postgres
from tests import environment

environment.prepare()
if (_folder := environment.addresses()) is not None:
    # Whatever comes next, even settings that do not load: the run's files go when its process ends.
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
django.setup()

from django.conf import settings  # noqa: E402  (the settings must stand first)

from console.celery import app as celery  # noqa: E402
from tests.real import postgres  # noqa: E402

# In a process that another one called, the settings were loaded before this file, with the caller's broker.
settings.WAYBILL_REDIS_URL = os.environ["REDIS_URL"]
celery.conf.update(broker_url=os.environ["REDIS_URL"])
settings.PASSWORD_HASHERS = ["tests.real.hashing.Cheap"]

pytest_plugins = [
    "tests.real.emptying",
    "tests.real.redis",
    "tests.real.browser",
    "tests.real.docker",
    "tests.cast",
    "tests.real.platform",
    "tests.faults.proofs",
]

_database = pytest.StashKey[Postgres]()


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure(config: pytest.Config) -> None:
    """Start the run's PostgreSQL in the process that was called; its workers find it in their environment."""
    if _is_worker() or config.option.collectonly:
        return
    server = postgres.start()
    if server is not None:
        config.stash[_database] = server


def pytest_collection(session: pytest.Session) -> None:
    """Thousands of tests are made and none is garbage: looking for some meanwhile takes a third of the time."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was collected lives to the end; it is not looked through again and again, and what comes is seldom."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it."""
    server = config.stash.get(_database, None)
    if server is not None:
        server.stop()


LONGEST = (
    "journeys/test_english.py",
    "journeys/test_chinese.py",
    "clusters/delivery/test_causes.py",
    "platform/test_demo.py",
    "platform/test_api_guide.py",
    "platform/test_real_nodes.py",
    "clusters/test_from_docker.py",
    "marketplace/deliver/test_real_routes.py",
    "platform/test_door.py",
    "marketplace/deliver/test_upgrade.py",
    "faults/test_kill.py",
    "faults/test_pause.py",
    "faults/test_dark.py",
    "marketplace/deliver/test_plan.py",
    "marketplace/deliver/test_volumes.py",
    "marketplace/deliver/test_retry.py",
    "faults/test_install.py",
    "pages/test_apps_looks.py",
    "clusters/test_duties.py",
    "clusters/test_made_by_hand.py",
    "clusters/delivery/test_fence.py",
    "faults/test_publish.py",
    "faults/test_late.py",
    "clusters/delivery/test_converge.py",
)
"""The files that take longest, longest first: begun last, one of them would be waited for alone. All that want real
nodes are among the first, so that these can be stopped soon."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow neighbourhoods by their folder, so that no test can forget to, and begin with the longest.

    Then those that want clusters, so that these can be stopped.
    """
    root = Path(__file__).parent
    rank = {root / name: place for place, name in enumerate(LONGEST)}
    wants = {mark: {item.path for item in items if item.get_closest_marker(mark)} for mark in ("realnodes", "platform")}
    items.sort(
        key=lambda item: (
            rank.get(item.path, len(rank)),
            item.path not in wants["realnodes"],
            item.path not in wants["platform"],
        )
    )
    for item in items:
        if item.path.is_relative_to(root / "faults"):
            item.add_marker(pytest.mark.faults)
