"""`manage.py first_admin LOGIN`: the first person of a deployment."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.kit import messages
from console.kit.errors import WaybillError
from teams.actions.first import create_first_admin


class Command(BaseCommand):
    """Makes the enterprise and its first admin, and prints the one-time password once."""

    help = "Make the first enterprise admin; prints a password for one use, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the login, and names for the person and the enterprise."""
        parser.add_argument("login")
        parser.add_argument("--name", help="display name; the login if not given")
        parser.add_argument("--enterprise", default="Main", help="name of the enterprise, if there is none yet")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, or say why not."""
        try:
            user, password = create_first_admin(
                login=options["login"], name=options["name"], enterprise_name=options["enterprise"]
            )
        except WaybillError as error:
            raise CommandError(told(error)) from error
        self.stdout.write(f"login: {user.login}\none-time password: {password}")


def told(error: WaybillError) -> str:
    """Give an error's sentences, and those of its fields, as text for a terminal."""
    faults = [f"{fault.pointer}: {messages.title(fault.code, fault.params)}" for fault in error.errors]
    return " ".join([messages.title(error.code, error.params), *faults, messages.detail(error.code, error.params)])
