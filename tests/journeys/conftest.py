"""A console of its own for each story, on clusters that all stories share."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.console import Console
from deploy.local.images import push_sample
from deploy.local.plan import free_ports
from deploy.local.platform import Platform
from tests.journeys.seed import Ground
from tests.journeys.stories import Story
from tests.real.sweeping import sweep

OURS = ("WAYBILL_", "TESTS_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS")

MakeGround = Callable[[Story], Ground]


@pytest.fixture
def ground(best_platform: Platform) -> Iterator[MakeGround]:
    """Makes the ground of a story; afterwards its console is gone, and so are its namespaces."""
    made: list[tuple[Console, Story]] = []

    def make(story: Story) -> Ground:
        # The database's own user walks through, so the folder is not one of pytest's.
        data = Path(tempfile.mkdtemp(prefix=f"waybill-journey-{story.language}-"))
        data.chmod(0o711)
        environment = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        environment["WAYBILL_OBSERVE_EVERY"] = "2"
        console = Console(data, free_ports(1)[0], environment)
        made.append((console, story))
        console.start()
        images = {version: push_sample(best_platform.registry, version) for version in ("1.0", "2.0")}
        console.wait()
        once = console.first_admin(story.admin.login, story.admin.name)
        return Ground(console.url, once, best_platform, images)

    yield make
    for console, story in made:
        console.stop()
        for cluster in best_platform.clusters.values():
            for place in story.places:
                sweep(cluster, place.slug)
        shutil.rmtree(console.data, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole road takes as long as it takes: no page of it may hang, and each has its own patience."""
    for item in items:
        if re.search("/tests/journeys/", str(item.path)):
            item.add_marker(pytest.mark.timeout(1800))
