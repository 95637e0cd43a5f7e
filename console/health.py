"""Is this process alive, and may it be sent requests? Asked by supervisors and proxies, without signing in."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all; it asks nothing else."""
    return JsonResponse({"state": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and holds every migration, else 503 and which of the two is missing."""
    checks = {"database": _database()}
    checks["migrations"] = checks["database"] and _migrated()
    ready = all(checks.values())
    words = {name: "ok" if good else "missing" for name, good in checks.items()}
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
