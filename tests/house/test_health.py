"""The two addresses that supervisors ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from console.dev.servers import Valkey
from operations.models import Duty


def test_alive_asks_nothing(client: Client) -> None:
    answer = client.get("/livez")
    assert answer.status_code == 200
    assert answer.json() == {"state": "alive"}
    assert len(answer.headers["X-Request-Id"]) == 16


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
@pytest.mark.django_db
def test_a_probe_may_call_the_process_by_its_address(client: Client, path: str) -> None:
    assert client.get(path, headers={"host": "10.42.0.17:8000"}).status_code == 200
    assert client.get("/", headers={"host": "10.42.0.17:8000"}).status_code == 400


@pytest.mark.django_db
def test_ready_when_the_database_holds_every_migration(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert (checks["database"], checks["migrations"], checks["worker"]) == ("ok", "ok", "missing")


@pytest.mark.django_db
def test_a_worker_and_the_broker_are_told(client: Client, broker: Valkey) -> None:
    Duty.objects.update_or_create(kind="wipe_sealed", subject_id=None, defaults={"next_at": timezone.now()})
    checks = client.get("/readyz").json()["checks"]
    assert (checks["worker"], checks["broker"]) == ("ok", "ok")
    Duty.objects.update(next_at=timezone.now() - timedelta(minutes=3))
    broker.stop()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert (answer.json()["checks"]["worker"], answer.json()["checks"]["broker"]) == ("missing", "missing")


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "missing")
