"""How the database is emptied after a test that commits: one statement, and what migrations made stays.

Django's own way truncates every table and makes the rights and content types anew each time, which costs more than most
of these tests do. Rights and content types change by migrations alone, so they are left as they are.
"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError, connection
from django.test import TransactionTestCase
from psycopg.errors import DeadlockDetected

KEPT = ("django_migrations", "django_content_type", "auth_permission")
TRIES = 5


def empty() -> None:
    """Remove every row of the tables that have any, but those of KEPT. Ids go on counting, as after Django's own."""
    with connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names(cursor) if table not in KEPT]
        quoted = {table: connection.ops.quote_name(table) for table in tables}
        asked = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT FROM {name})" for table, name in quoted.items()
        )
        cursor.execute(asked)
        filled = [quoted[table] for (table,) in cursor.fetchall()]
        if filled:
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")


def _fixture_teardown(case: Any) -> None:
    """Empty it; while somebody still reads, the database may have to end one of both, and it is tried again."""
    for left in reversed(range(TRIES)):
        try:
            empty()
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected) or not left:
                raise


def pytest_configure() -> None:
    """Put it in the place of Django's own."""
    TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[attr-defined]
