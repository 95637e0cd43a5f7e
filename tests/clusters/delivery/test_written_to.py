"""Objects that somebody else keeps writing to while we look: their status moves, what we mean does not."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from operations.engine.loop import Loop
from tests.clusters.delivery.house import House, begin, done, make_app, part


@contextmanager
def writing(house: House) -> Iterator[None]:
    """Write to the status of every Deployment as fast as the cluster takes it, as controllers do that catch up."""
    over = threading.Event()

    def write() -> None:
        for number in itertools.count():
            for name in house.listed("deployments", "apps"):
                where = f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments/{name}/status"
                beat = {"type": "Beat", "status": "True", "message": str(number)}
                merge = "application/strategic-merge-patch+json"
                house.real.api("PATCH", where, {"status": {"conditions": [beat]}}, content_type=merge)
            if over.is_set():
                return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_rollback_is_equal_whatever_controllers_write_meanwhile(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web"), part("api")]))
    done(begin(house, app, [part("web", 2), part("api", 2)]))
    with writing(house):
        back = done(begin(house, app, kind="rollback", back_to=app.revisions.get(number=1)))
    seen = back.steps.get(key="verify").observed
    assert (seen["equal"], seen["differences"]) == (True, [])
