"""From a request to work: how soon a worker starts what was asked for, and what eight steps cost."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
import uuid
from typing import TYPE_CHECKING

import psutil

from bench.apps import STEPS
from bench.figures import Bar, Sample, in_turn, ratio, table, write
from bench.house import House, house

if TYPE_CHECKING:
    from operations.models import Operation
    from teams.models import User

REQUESTS = 200
ROUNDS = 15
AT_ONCE = 1


def main() -> None:
    """Measure both and write them down."""
    with house() as ours:
        import django

        django.setup()
        ours.web()
        worker = ours.worker()
        user = _person()
        token = ours.manage("token", user.login)
        _first(ours, token)
        answered, started = _post_to_start(ours, token)
        chain = ours.run(["celery", "--quiet", "-A", "bench.chain", "worker", "-P", "threads", "-c", "2"], "chain")
        steps, cpu = _steps(user, worker, chain)
        disk = _disk(user)
    wall, work = ratio(steps["operation"], steps["chain"]), cpu["operation"] / cpu["chain"]
    bars = [
        Bar("accepted → a worker starts, p95", started.at(95), 10, "ms"),
        Bar(f"an operation of {STEPS} steps ÷ a Celery chain of {STEPS}, wall, median", wall.median, 0.35),
        Bar("the same, processor time", work, 0.35),
    ]
    parts = [
        ["POST → its answer, ms", *answered.row()],
        ["accepted → a worker starts, ms", *started.row()],
        [f"{AT_ONCE} operations of {STEPS} steps, s", *steps["operation"].row(3)],
        [f"{AT_ONCE} Celery chains of {STEPS} tasks, s", *steps["chain"].row(3)],
        ["ratio", *wall.row(2)],
        ["one UPDATE and COMMIT that waits for the disk, ms", *disk.row()],
    ]
    text = (
        f"{REQUESTS} requests one after the other over one connection, gunicorn 2 × 4 and one worker of two threads, "
        "PostgreSQL that waits for the disk. Accepted: the operation's row is made, before the request's commit; "
        "started is the database's own clock in the claim. Operations and chains in "
        f"turn, {ROUNDS} rounds. That an operation is accepted, claimed and ended is on the disk before it goes on, "
        "and so is what each of these steps saw: eleven waits for the disk, one after the other, each as long as the "
        "last line says, which alone is about what the bar leaves for the whole operation. The rest of the time goes "
        "to records: every step's beginning, end and lease are rows that PostgreSQL writes and answers for. The chain "
        "keeps none and waits for no disk; what it has done lies in the broker's memory and is lost with it. So the "
        "bar by the clock is out of reach for work that is recorded as it goes; by processor time it is held.\n\n"
        + table(["", "least", "median", "p95", "greatest"], parts)
    )
    write("starting", "From a request to work", text, bars)


def _person() -> User:
    from teams.models import Enterprise, User

    enterprise = Enterprise.objects.create(slug="bench", name="Bench")
    user = User(enterprise=enterprise, login="bench", name="Bench", enterprise_roles=["admin"])
    user.set_unusable_password()
    user.save()
    return user


def _first(ours: House, token: str) -> None:
    """Wait for one whole operation, so that every process is warm."""
    from operations.models import Operation

    _, _, number = _post(_link(ours), token)
    end = time.monotonic() + 60
    while Operation.objects.get(number=number).finished_at is None:
        if time.monotonic() > end:
            raise RuntimeError((ours.folder / "worker.log").read_text())
        time.sleep(0.05)


def _link(ours: House) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", ours.port, timeout=20)


def _post(link: http.client.HTTPConnection, token: str) -> tuple[float, float, int]:
    """Ask for the check of a cluster that does not exist; give the times (of day) of asking and of the answer."""
    body = json.dumps({"endpoint": "https://127.0.0.1:1", "token": "t"})
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    began = time.time()
    link.request("POST", "/api/v1/cluster-checks", body, head)
    answer = link.getresponse()
    data = json.loads(answer.read())
    if answer.status != 202:
        raise RuntimeError(f"{answer.status}: {data}")
    return began, time.time(), int(data["id"].removeprefix("op-"))


def _post_to_start(ours: House, token: str) -> tuple[Sample, Sample]:
    """Give milliseconds from the request to its answer, and from the operation's row to the worker's start."""
    from operations.models import Operation

    link, asked = _link(ours), []
    for _ in range(REQUESTS):
        asked.append(_post(link, token))
        time.sleep(0.05)  # one at a time is what is measured, not a queue
    end = time.monotonic() + 60
    while Operation.objects.filter(finished_at=None).exists() and time.monotonic() < end:
        time.sleep(0.1)
    rows = {one.number: one for one in Operation.objects.all()}
    waited = []
    for _, _, number in asked:
        made, begun = rows[number].created_at, rows[number].started_at
        if begun is None:
            raise RuntimeError(f"op-{number} was never started")
        waited.append((begun - made).total_seconds() * 1000)
    return Sample([1000 * (answer - began) for began, answer, _ in asked]), Sample(waited)


def _steps(
    user: User, worker: subprocess.Popen[bytes], peer: subprocess.Popen[bytes]
) -> tuple[dict[str, Sample], dict[str, float]]:
    """Give the seconds of both in turn, and the processor seconds of both workers."""
    from celery import chain

    from bench.chain import step
    from operations.models import Operation

    def operations() -> float:
        began = time.monotonic()
        made = [_begin(user) for _ in range(AT_ONCE)]
        these = Operation.objects.filter(pk__in=[one.pk for one in made])
        while these.filter(finished_at=None).exists():
            time.sleep(0.002)
        if these.exclude(state="succeeded").exists():
            raise RuntimeError(str(these.values_list("state", "outcome_code")))
        return time.monotonic() - began

    def chains() -> float:
        began = time.monotonic()
        made = [chain(*(step.s() for _ in range(STEPS))).apply_async() for _ in range(AT_ONCE)]
        if any(one.get(timeout=60, interval=0.002) != STEPS for one in made):
            raise RuntimeError("a chain lost a step")
        return time.monotonic() - began

    before = _cpu(worker), _cpu(peer)
    samples = in_turn(ROUNDS, {"operation": operations, "chain": chains})
    after = _cpu(worker), _cpu(peer)
    return samples, {"operation": after[0] - before[0], "chain": after[1] - before[1]}


def _disk(user: User) -> Sample:
    """Give the milliseconds of the least change that is on the disk when it is answered."""
    from teams.models import User

    rows, values = User.objects.filter(pk=user.pk), []
    for number in range(REQUESTS):
        began = time.monotonic()
        rows.update(name=f"Bench {number}")
        values.append(1000 * (time.monotonic() - began))
    return Sample(values)


def _begin(user: User) -> Operation:
    from django.db import transaction

    from operations.actions.enqueue import Subject, enqueue

    with transaction.atomic():
        return enqueue(
            kind="bench_steps",
            subject=Subject("bench", None, "bench", "/"),
            enterprise=user.enterprise,
            initiator=user,
            deadline_seconds=60,
        )


def _cpu(worker: subprocess.Popen[bytes]) -> float:
    """Processor seconds of a process and everything below it."""
    parent = psutil.Process(worker.pid)
    times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
    return sum(time.user + time.system for time in times)
