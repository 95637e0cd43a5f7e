"""What the database holds, as one value: equal before and after whatever is refused."""

from __future__ import annotations

from django.db import connection

NOTED = {"audit_event", "django_session", "django_migrations", "django_content_type"}
"""A refusal is written to the trail, and a request to its session: these two may grow."""
UNTOLD = "- 'last_used_at' - 'last_used_ip' - 'updated_at'"
"""A token notes when it was used, which changes nothing that it allows; a change raises a row's version as well."""


def held() -> dict[str, str]:
    """Give table → the hash of all its rows."""
    tables = sorted(set(connection.introspection.table_names()) - NOTED)
    parts = (
        f"SELECT '{table}', md5(coalesce(string_agg(one, '|' ORDER BY one), '')) "
        f'FROM (SELECT (to_jsonb(t) {UNTOLD})::text AS one FROM "{table}" t) AS lines'
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def touched() -> dict[str, int]:
    """Give table → how many rows this transaction wrote so far: equal before and after, nothing was written between."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {table: count for table, count in cursor.fetchall() if table not in NOTED}


class Watch:
    """Whether anything was changed since it was made, in one transaction whose savepoints are taken back in between.

    What a refused request wrote and took back itself is no change: where rows were written, all are looked at.
    """

    def __init__(self) -> None:
        self._before = held()

    def begin(self) -> dict[str, int]:
        """Give what `changed` compares with."""
        return touched()

    def changed(self, begun: dict[str, int]) -> bool:
        """Tell whether something is different now."""
        return touched() != begun and held() != self._before
