"""How the database is emptied after a test that commits: rows are deleted, and what migrations made stays.

Django's own way truncates every table and makes the rights and content types anew each time. A truncation makes new
files for the table and each of its indexes: for the few rows of a test deleting them is a dozen times quicker, and who
only reads is not in its way. Rights and content types change by migrations alone, so they are left as they are.
"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase
from psycopg.errors import DeadlockDetected

KEPT = ("django_migrations", "django_content_type", "auth_permission")
TRIES = 5
MAY = "SELECT has_parameter_privilege('session_replication_role', 'SET')"


def empty() -> None:
    """Remove every row of the tables that have any, but those of KEPT. Ids go on counting."""
    with transaction.atomic(), connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names(cursor) if table not in KEPT]
        quoted = {table: connection.ops.quote_name(table) for table in tables}
        asked = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT FROM {name})" for table, name in quoted.items()
        )
        cursor.execute(asked)
        filled = [quoted[table] for (table,) in cursor.fetchall()]
        if not filled:
            return
        cursor.execute(MAY)
        if not cursor.fetchone()[0]:
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
            return
        # Whoever still writes is waited for, and the triggers that guard rows and references rest.
        cursor.execute(f"LOCK TABLE {', '.join(filled)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in filled:
            cursor.execute(f"DELETE FROM {name}")


def _fixture_teardown(case: Any) -> None:
    """Empty it; while somebody still writes, the database may have to end one of both, and it is tried again."""
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
