"""New pods for all of the console while an operation runs and people ask: what its upgrade looks like."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter

from deploy.kubernetes.trial import DEPLOYMENTS, Hosted
from deploy.local.ground import TEST_APP, Ground, draft, until_running

PAUSE = 0.2


class Visitors:
    """Ask the console again and again, on a new connection each time, and count what it answers."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._ended = threading.Event()
        self.answers: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Visitors:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=30)

    def _ask(self) -> None:
        while not self._ended.wait(PAUSE):
            connection = http.client.HTTPConnection(self._host, timeout=20)
            try:
                connection.request("GET", "/auth/sign-in")
                self.answers[str(connection.getresponse().status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
            finally:
                connection.close()


def roll_over(hosted: Hosted, ground: Ground) -> str:
    """Begin a deployment, change every pod of the console meanwhile, and see both end well.

    Raises AssertionError when a visitor was turned away or a pod stayed, Unexpected when the operation failed.
    """
    developer = ground.person("lilei")
    draft(ground, "1.0")
    before = _pods(hosted)
    with Visitors(hosted.cluster.facts.host) as visitors:
        operation = developer.start("POST", f"{TEST_APP}/deployments", {"consents": []})
        began = time.monotonic()
        for name in DEPLOYMENTS:
            hosted.restart(name.removeprefix("waybill-"))
        for name in DEPLOYMENTS:
            hosted.wait_rolled_out(name)
        seconds = time.monotonic() - began
        developer.wait(operation)
    assert not before & _pods(hosted), "every pod is a new one"
    assert set(visitors.answers) == {"200"}, dict(visitors.answers)
    running = until_running(developer, TEST_APP)
    return f"new pods after {seconds:.0f} s, {visitors.answers['200']} visits answered; {operation}, {running}"


def _pods(hosted: Hosted) -> set[str]:
    """The console's pods that are not ending."""
    found = [pod["metadata"] for name in DEPLOYMENTS for pod in hosted.pods(name.removeprefix("waybill-"))]
    return {pod["uid"] for pod in found if "deletionTimestamp" not in pod}
