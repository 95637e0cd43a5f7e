"""`/metrics`: who may ask, and that each figure follows the rows it stands for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from console.dev.process import free_port
from console.kit.models import uuid7
from operations import states
from operations.models import Duty, Operation
from tests.builders import make_enterprise
from tests.cast import Cast
from tests.clusters.apps import make_place
from tests.house.test_processes import WEB, running
from tests.house.test_processes import ask as ask_process
from tests.marketplace.world import operation_done

WORD = "a-word-that-only-the-monitor-knows"
Figures = dict[tuple[str, ...], float]


@pytest.fixture
def watched(settings: Settings) -> None:
    settings.WAYBILL_METRICS = WORD


def ask(client: Client, word: str = WORD) -> Figures:
    """Read the figures as Prometheus does: name and labels' values → figure."""
    answer = client.get("/metrics", headers={"authorization": f"Bearer {word}"})
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, *(s.labels[k] for k in sorted(s.labels))): s.value for f in families for s in f.samples}


@pytest.mark.django_db
def test_it_is_not_there_unless_it_was_asked_for(client: Client) -> None:
    answer = client.get("/metrics", headers={"authorization": "Bearer None"})
    assert answer.status_code == 404


@pytest.mark.parametrize("said", [None, "Bearer", f"Bearer {WORD}x", f"Basic {WORD}", WORD])
def test_without_its_word_nothing_is_told(client: Client, watched: None, said: str | None) -> None:
    answer = client.get("/metrics", headers={"authorization": said} if said else {})
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_word_is_all_it_takes_and_post_is_no_question(client: Client, watched: None) -> None:
    assert client.post("/metrics", headers={"authorization": f"Bearer {WORD}"}).status_code == 405


def _operation(kind: str, state: str, *, id: UUID | None = None, is_batch: bool = False, **columns: Any) -> None:
    """An operation as it is in a state, brought there by the moves that the database allows."""
    now = timezone.now()
    born = {name: columns.pop(name) for name in ("created_at", "not_before") if name in columns}
    row = Operation.objects.create(
        id=id or uuid7(),
        enterprise=make_enterprise(),
        kind=kind,
        is_batch=is_batch,
        state="running" if is_batch else "queued",
        subject_type="x",
        subject={"type": "x", "id": None, "name": "x", "href": "/"},
        request_id="r",
        deadline=now + timedelta(hours=1),
        **born,
    )
    rows = Operation.objects.filter(pk=row.pk)
    if state != "queued" and not is_batch:
        rows.update(state="running")
    ended = {"finished_at": now} if state in states.TERMINAL else {}
    rows.update(state=state, **ended, **columns)


@pytest.mark.django_db
def test_operations_queue_and_leases(client: Client, watched: None) -> None:
    now = timezone.now()
    before = ask(client)
    assert before["waybill_operations_active", "publish", "queued"] == 0
    assert before["waybill_queue_age_seconds",] == 0

    _operation("publish", "queued", created_at=now - timedelta(seconds=90))
    # One that is to begin later waits for nobody.
    _operation("publish", "queued", not_before=now + timedelta(hours=1), created_at=now - timedelta(hours=2))
    held: dict[str, Any] = {"lease_owner": "w", "lease_until": now + timedelta(seconds=9)}
    _operation("upgrade", "running", **held)
    _operation("upgrade", "running", lease_owner="w", lease_until=now - timedelta(seconds=30), attempts=2)
    _operation("install", "waiting", waiting_for={"kind": "cluster", "name": "c", "since": "", "tries": 1})
    _operation("install", "errored", attempts=5)
    _operation("upgrade", "running", is_batch=True)
    yesterday = now - timedelta(hours=25)
    _operation("install", "failed", id=uuid7_at(yesterday.timestamp()), attempts=5)

    after = ask(client)
    assert after["waybill_operations_active", "publish", "queued"] == 2
    assert after["waybill_operations_active", "upgrade", "running"] == 2, "a batch is nobody's work"
    assert after["waybill_operations_active", "install", "waiting"] == 1
    assert 90 <= after["waybill_queue_age_seconds",] < 120
    assert after["waybill_operations_waiting", "cluster"] == 1
    assert after["waybill_operations_waiting", "registry"] == 0
    assert (after["waybill_leases_held",], after["waybill_leases_run_out",]) == (1, 1)
    assert after["waybill_operations_ended_day", "install", "errored"] == 1
    assert after["waybill_operations_ended_day", "install", "failed"] == 0, "it began before the last 24 hours"
    assert after["waybill_leases_lost_day",] == 7


def uuid7_at(seconds: float) -> UUID:
    """Give an id as it was given at another time."""
    made = uuid7()
    return UUID(int=(int(seconds * 1000) << 80) | (made.int & ((1 << 80) - 1)))


@pytest.mark.django_db
def test_clusters_and_duties(client: Client, watched: None, cast: Cast) -> None:
    place = make_place(cast)
    cluster, now = place.cluster, timezone.now()
    cluster.health, cluster.seen_at = "unreachable", now - timedelta(seconds=50)
    cluster.credential_expires_at = now + timedelta(days=3)
    cluster.save()
    Duty.objects.all().delete()
    Duty.objects.create(kind="wipe_sealed", next_at=now - timedelta(seconds=40), last_code="internal", last_seconds=2)
    Duty.objects.create(kind="of_another_version", next_at=now - timedelta(days=1))
    Duty.objects.create(
        kind="expire_keys", next_at=now - timedelta(days=1), lease_owner="w", lease_until=now + timedelta(seconds=9)
    )
    told = ask(client)
    name = (cluster.slug, cluster.enterprise.slug)
    assert told["waybill_cluster_health", *name, "unreachable"] == 1
    assert told["waybill_cluster_health", *name, "online"] == 0
    assert 50 <= told["waybill_cluster_silent_seconds", *name] < 80
    ends = told["waybill_cluster_credential_expires_timestamp_seconds", *name]
    assert ends == pytest.approx(cluster.credential_expires_at.timestamp())
    assert 40 <= told["waybill_duty_late_seconds", "wipe_sealed"] < 70
    assert told["waybill_duty_failing", "wipe_sealed"] == 1
    assert told["waybill_duty_late_seconds", "expire_keys"] == 0, "it is being done"
    assert told["waybill_duty_failing", "expire_keys"] == 0, "it never ran"
    assert ("waybill_duty_late_seconds", "of_another_version") not in told


@pytest.mark.django_db
def test_the_number_of_queries_is_fixed(client: Client, watched: None) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            ask(client)
        return len(queries)

    few = cost()
    for _ in range(20):
        operation_done(make_enterprise())
    assert cost() == few <= 9


def test_a_process_behind_tls_answers_a_monitor_by_its_address_and_says_when_the_database_is_away() -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with running(WEB, WAYBILL_METRICS=WORD, DATABASE_URL=away) as port:
        assert ask_process(port, "/metrics")[0] == 401
        assert ask_process(port, "/metrics", Authorization=f"Bearer {WORD}")[0] == 503
