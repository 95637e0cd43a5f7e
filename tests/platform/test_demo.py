"""The demo as a person meets it: started twice, interrupted, stopped, started again, forgotten."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.local.client import Client
from deploy.local.people import ADMIN, PEOPLE, People
from deploy.local.plan import free_ports
from deploy.local.visitor import Refused, Visitor
from tests.environment import ROOT
from tests.real.platform import FRESH

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures(FRESH)]


class Demo:
    """The demo in a folder of the test's own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_ports(1)[0]
        # What the test run sets for itself would be taken for the wish of the person who starts the demo.
        outside = ("WAYBILL_", "TESTS_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith(outside)}
        self.environment["WAYBILL_DATA_DIR"] = str(data)
        self.environment["DEMO_NODES"] = "played"

    @contextmanager
    def up(self, *words: str, until: str = "Everything is ready") -> Iterator[subprocess.Popen[str]]:
        """The demo in the foreground of a process, once it said a line that begins with `until`."""
        line = [sys.executable, "-m", "deploy.local.demo", "up", "--port", str(self.port), *words]
        with subprocess.Popen(line, cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                self.said = []
                for text in process.stdout:
                    self.said.append(text)
                    if text.startswith(until):
                        break
                yield process
            finally:
                process.kill()

    def counts(self, people: People) -> dict[str, int]:
        """How much is there of what the demo sets up, as its admin is told by the API."""
        with people.tokens(self.url) as token:
            admin = Client(self.url, token(ADMIN))
            lists = ("clusters", "teams", "environments", "users", "operations?kind=cluster_check,deploy")
            return {path.partition("?")[0]: len(admin.listed(f"/{path}")) for path in lists}

    @property
    def url(self) -> str:
        """Where the console answers."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, verb: str) -> str:
        """Run one other command of the demo to its good end."""
        answer = self.command(verb)
        assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
        return answer.stdout

    def command(self, verb: str) -> subprocess.CompletedProcess[str]:
        """Run one other command of the demo to its end, whatever it is."""
        line = [sys.executable, "-m", "deploy.local.demo", verb]
        return subprocess.run(
            line, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )

    def processes(self) -> list[str]:
        """Every process that has to do with the folder, by its command line or its environment."""
        found = []
        for process in psutil.process_iter():
            try:
                told = [*process.cmdline(), process.environ().get("WAYBILL_DATA_DIR", "")]
                if any(str(self.data) in word for word in told):
                    found.append(" ".join(process.cmdline()))
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def is_silent(self) -> bool:
        """Whether the last process went within a while."""
        end = time.monotonic() + 30
        while self.processes() and time.monotonic() < end:
            time.sleep(0.1)
        return not self.processes()


def test_the_demo_from_its_first_start_to_its_reset(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "data")
    people = People(demo.data / "demo/people.txt")
    with demo.up("--empty") as process:
        printed = "".join(demo.said)
        kept = people.passwords()
        assert set(kept) == {person.login for person in PEOPLE}
        assert all(password in printed and not one_time for password, one_time in kept.values())
        assert stat.S_IMODE(people.path.stat().st_mode) == 0o600
        visitor = Visitor(demo.url)
        visitor.sign_in("hanmei", kept["hanmei"][0])
        with pytest.raises(Refused):
            Visitor(demo.url).sign_in("hanmei", kept["lilei"][0])
        assert demo.counts(people) == {"clusters": 0, "teams": 0, "environments": 0, "users": 4, "operations": 0}
        assert "All ten steps are yours" in printed and "admin.kubeconfig" in printed

        again = demo.run("up")
        assert f"runs already: {demo.url}" in again
        assert "内网集群" in again
        assert process.poll() is None

        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert demo.is_silent(), demo.processes()

    with demo.up(until=" 2  ok") as process:
        assert people.passwords() == kept
        assert not any(password in "".join(demo.said) for password, _ in kept.values()), "printed once"
        assert not (demo.data / "demo/set-up").exists()
        process.kill()
        process.wait(10)
        assert demo.is_silent(), "even a kill leaves nothing behind"

    with demo.up() as process:
        printed = "".join(demo.said)
        assert printed.count("  ok  ") == 4 and "FAILED" not in printed, printed
        assert "5  Sign in as 李雷 (lilei) and publish 1.0" in printed
        assert demo.counts(people) == {"clusters": 3, "teams": 3, "environments": 3, "users": 4, "operations": 4}
        assert "5  Sign in as" in demo.run("up")

        walked = demo.run("walk")
        assert walked.count("  ok  ") == 10, walked
        assert "walked by REST" in demo.run("up")
        demo.run("down")
        assert process.wait(10) == 0
    assert demo.is_silent()
    demo.run("down")
    refused = demo.command("walk")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "make demo-reset" in refused.stderr, "a road is walked once, and nothing is started to find that out"
    demo.run("reset")
    assert list(demo.data.iterdir()) == []
