"""A runner that works on a toy world: a ledger behind HTTP, in which every effect stays visible."""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from console.kit.errors import NotHealthy, Refused, Rejected, Unreachable, WaybillError
from console.kit.points import point
from operations.actions.enqueue import Subject, enqueue
from operations.engine.runner import Runner
from operations.engine.step import StepWork
from operations.engine.work import Work
from operations.models import Operation
from teams.models import Team, User

WRITES = ("write:a", "write:b", "write:c")
STEPS = ("check", *WRITES, "finish")


@dataclass(frozen=True)
class Entry:
    """One effect in the world: what was written, and who says so."""

    operation: str
    step: str
    agent: str


@dataclass
class Ledger:
    """The world outside: appends what it is told, never refuses a repetition, and so shows every doubled write.

    An operation may change its key (`PUT`): from then on a write with an older one is refused, as a cluster does with
    the former key of an environment.
    """

    entries: list[Entry] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    away: bool = False
    retry_after: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        """host:port."""
        assert self.server is not None
        return f"127.0.0.1:{self.server.server_address[1]}"

    def start(self) -> Ledger:
        """Serve on a free port."""
        ledger = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

            def _answer(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                if status == 503 and ledger.retry_after is not None:
                    self.send_header("Retry-After", str(ledger.retry_after))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                with ledger.lock:
                    found = [entry.step for entry in ledger.entries if entry.operation == self.path.strip("/")]
                self._answer(503 if ledger.away else 200, found)

            def do_PUT(self) -> None:
                said = self._said()
                with ledger.lock:
                    ledger.keys[said["operation"]] = max(said["key"], ledger.keys.get(said["operation"], 0))
                self._answer(200, {})

            def do_POST(self) -> None:
                said = self._said()
                with ledger.lock:
                    stale = said.get("key", 1) < ledger.keys.get(said["operation"], 1)
                    if not ledger.away and not stale:
                        ledger.entries.append(Entry(said["operation"], said["step"], self.headers["User-Agent"]))
                self._answer(503 if ledger.away else 403 if stale else 201, {})

            def _said(self) -> Any:
                return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the port."""
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()

    def of(self, operation: str) -> list[str]:
        """Give the steps written for an operation, in order, repetitions included."""
        with self.lock:
            return [entry.step for entry in self.entries if entry.operation == operation]

    def agents(self, operation: str) -> list[str]:
        """Give who wrote them."""
        with self.lock:
            return [entry.agent for entry in self.entries if entry.operation == operation]


def send(method: str, address: str, path: str, body: Any = None, agent: str = "") -> Any:
    """Send one request to the ledger: the toy's one send function, with the points that every edge has.

    None when the key was refused. Raises Unreachable when the ledger is away.
    """
    point("kube", f"{method} {path}", "before")
    host, _, port = address.partition(":")
    link = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        link.request(method, path, json.dumps(body) if body is not None else None, {"User-Agent": agent})
        answer = link.getresponse()
        data = json.loads(answer.read())
    except OSError as error:
        raise Unreachable("cluster_unreachable", cluster="toy", since=None) from error
    finally:
        link.close()
    point("kube", f"{method} {path}", "after")
    if answer.status == 403:
        return None
    if answer.status == 503:
        away = Unreachable("cluster_unreachable", cluster="toy", since=None)
        after = answer.headers.get("Retry-After")
        away.retry_after = float(after) if after else None
        raise away
    return data


class ToyRunner(Runner):
    """Writes three entries; `input` says how it shall go wrong, or how long it shall wait."""

    kind = "toy"
    observes = True

    def steps(self, operation: Operation) -> list[str]:
        """Check, three writes, finish."""
        if operation.input.get("steps_fail"):
            raise Refused("registry_not_set")
        return list(STEPS)

    def perform(self, work: Work, step: StepWork) -> None:
        """Observe first, then write."""
        said = work.operation.input
        if said.get("break_at") == step.key:
            raise ZeroDivisionError("broken on purpose")
        if said.get("reject_at") == step.key:
            raise Rejected("registry_full", registry="toy")
        if said.get("pause_at") == step.key:
            step.message("pulling_image", node="node-1")
            self.wait_for_pods(work, step)
        if step.key.startswith("write:"):
            self.write(work, step)

    def wait_for_pods(self, work: Work, step: StepWork) -> None:
        """Wait until the ledger holds the word `go` for this operation, as a runner waits for pods."""
        while "go" not in self.seen(work):
            work.pause(0.05)

    def write(self, work: Work, step: StepWork) -> None:
        """Write one entry unless it is there."""
        step.intend(entry=step.key)
        if not self.observes or step.key not in self.seen(work):
            self.take_over(work)
            self.send_write(work, step)
        step.observe(entry=step.key, epoch=work.epoch)
        work.changed("all" if step.key == WRITES[-1] else "part")
        work.log("written", component=step.key.removeprefix("write:"), entry=step.key)

    def take_over(self, work: Work) -> None:
        """Before the first write of a new owner: change the key, so that the former one's late writes are refused."""
        work.before_write()
        if work.operation.input.get("fenced") and work.generation > 1:
            body = {"operation": work.operation.name, "key": work.generation}
            send("PUT", work.operation.input["world"], "/", body, work.user_agent())

    def send_write(self, work: Work, step: StepWork) -> None:
        """Write with the key last read; refused means that it is old: look whose the operation is, and send again."""
        work.before_write()
        while True:
            body = {"operation": work.operation.name, "step": step.key, "key": work.generation}
            if send("POST", work.operation.input["world"], "/", body, work.user_agent()) is not None:
                return
            work.before_write()

    def seen(self, work: Work) -> list[str]:
        """Give what the world holds of this operation."""
        found: list[str] = send("GET", work.operation.input["world"], f"/{work.operation.name}")
        return found

    def can_cancel(self, operation: Operation) -> bool:
        """Until the last write, unless told otherwise."""
        return not operation.input.get("no_cancel")

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Who may deploy there."""
        return ("edit_application", operation.team) if operation.team else ("manage_clusters", None)

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """The same again, without what made it go wrong."""
        return begin(
            operation.enterprise, acting_user, operation.team, world=operation.input["world"], retry_of=operation
        )


class TidyRunner(ToyRunner):
    """As the toy, and takes back what it wrote: an entry `undone` in the ledger."""

    kind = "tidy"

    def undo(self, work: Work, error: WaybillError | None) -> None:
        """Write `undone` unless it is there."""
        if work.operation.input.get("undo_breaks"):
            raise NotHealthy("not_ready", component="web", cause="slow", words="")
        if "undone" not in self.seen(work):
            work.before_write()
            body = {"operation": work.operation.name, "step": "undone"}
            send("POST", work.operation.input["world"], "/", body, work.user_agent())


class BadEndRunner(ToyRunner):
    """Its last words always fail."""

    kind = "bad_end"

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Break."""
        raise ZeroDivisionError("broken on purpose")


def begin(
    enterprise: Any,
    initiator: User | None,
    team: Team | None = None,
    *,
    world: str = "",
    kind: str = "toy",
    deadline_seconds: int = 600,
    lock_key: str | None = None,
    **options: Any,
) -> Operation:
    """Enqueue a toy operation; what is not an argument of `enqueue` goes into its input."""
    own = {name: options.pop(name) for name in list(options) if name in _ENQUEUE}
    return enqueue(
        kind=kind,
        subject=Subject("toy", None, "Toy", "/api/v1/toys/toy"),
        enterprise=enterprise,
        initiator=initiator,
        team=team,
        lock_key=lock_key,
        input={"world": world, **options},
        deadline_seconds=deadline_seconds,
        **own,
    )


_ENQUEUE = {"environment_id", "cluster_id", "sealed", "parent", "retry_of", "is_batch"}
