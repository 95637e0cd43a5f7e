"""Is this process alive, and may it be sent requests? Asked by supervisors and proxies, without signing in."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from operations.models import Duty


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all; it asks nothing else."""
    return JsonResponse({"state": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and holds every migration, else 503 and which of the two is missing.

    A worker and the broker are told too and decide nothing: pages are served, and work is taken in, without either.
    """
    needed = {"database": _database()}
    needed["migrations"] = needed["database"] and _migrated()
    ready = all(needed.values())
    told = {"worker": ready and _worker(), "broker": _broker()}
    words = {name: "ok" if good else "missing" for name, good in {**needed, **told}.items()}
    return JsonResponse({"state": "ready" if ready else "not_ready", "checks": words}, status=200 if ready else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _worker() -> bool:
    """Tell whether some worker did the duty that recurs each minute, less than two minutes late."""
    late = timezone.now() - timedelta(minutes=2)
    return Duty.objects.filter(kind="wipe_sealed", subject_id=None, next_at__gt=late).exists()


def _broker() -> bool:
    try:
        with Redis.from_url(settings.WAYBILL_REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except RedisError:
        return False
