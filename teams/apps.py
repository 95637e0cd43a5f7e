"""The app of people: at start it makes its audit words known and keeps guardian's rights in step with the roles."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TeamsConfig(AppConfig):
    """Enterprises, users, teams, tokens, audit."""

    name = "teams"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register audit words and the gate that REST endpoints ask, and rewrite group rights after migrations."""
        import_module("teams.words").register_words()
        post_migrate.connect(_rewrite_group_rights, sender=self, dispatch_uid="teams.rewrite_group_rights")


def _rewrite_group_rights(sender: AppConfig, using: str, **kwargs: Any) -> None:
    from django.contrib.auth.management import create_permissions

    # Django makes the permission rows in its own receiver, which may come after this one.
    create_permissions(sender, using=using, verbosity=0)
    import_module("teams.grants").rewrite_group_rights()
