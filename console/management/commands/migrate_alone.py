"""`manage.py migrate_alone`: bring the database to this version, one process at a time, as often as anyone likes."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

LOCK = 0x5761_7962_696C_6C01
"""The number of the advisory lock: `Waybill` and one."""


class Command(BaseCommand):
    """What each container of a rollout runs before its own process: the first one migrates, the others wait for it."""

    help = "Migrate under a lock of the database's; waits for a database that is still starting. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how long to wait for the database."""
        parser.add_argument("--wait", type=float, default=60, help="seconds to wait for the database (60)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, or find that nothing is to be done. Ends with 1 when the database does not answer."""
        # A connection of its own: the lock ends with it, however this process ends.
        guard = connection.copy()
        end = time.monotonic() + options["wait"]
        while True:
            try:
                guard.ensure_connection()
                break
            except OperationalError as error:
                if time.monotonic() > end:
                    raise CommandError("The database does not answer.") from error
                time.sleep(0.5)
        try:
            with guard.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            call_command("migrate", interactive=False, verbosity=options["verbosity"], stdout=self.stdout)
        finally:
            guard.close()
