"""`manage.py token LOGIN`: the first access token of a deployment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from console.kit.errors import WaybillError
from teams.actions.tokens import create_token
from teams.management.commands.first_admin import told
from teams.models import User


class Command(BaseCommand):
    """Makes an access token for a user and prints it once."""

    help = "Make an access token for LOGIN; prints it once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the login, the token's name and its life in days."""
        parser.add_argument("login")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--days", type=int, default=30)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, or say why not."""
        user = User.objects.filter(login=options["login"].lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user with the login {options['login']!r}.")
        end = timezone.now() + timedelta(days=options["days"]) - timedelta(seconds=1)
        try:
            _, text = create_token(name=options["name"], expires_at=end, acting_user=user)
        except WaybillError as error:
            raise CommandError(told(error)) from error
        self.stdout.write(text)
