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
        _install()
        post_migrate.connect(_rewrite_group_rights, sender=self, dispatch_uid="teams.rewrite_group_rights")


def _install() -> None:
    # Here and not above: these modules need models, which are loaded when `ready` is called.
    hooks, messages = import_module("console.kit.api.hooks"), import_module("console.kit.messages")
    access, audit, roles = (import_module(f"teams.{name}") for name in ("access", "audit", "roles"))
    import_module("teams.words").register_words()
    messages.register_labels("right", roles.RIGHT_LABELS)
    messages.register_labels("role", {**roles.ENTERPRISE_ROLE_LABELS, **roles.ROLE_LABELS})
    messages.register_labels("roles", roles.ROLE_LABELS)
    messages.register_labels("enterprise_roles", roles.ENTERPRISE_ROLE_LABELS)
    hooks.install(
        gate=access.require,
        refusal=audit.refusal,
        enterprise_rights=frozenset(roles.ENTERPRISE_RIGHTS),
        team_rights=frozenset(roles.TEAM_RIGHTS),
    )


def _rewrite_group_rights(sender: AppConfig, using: str, **kwargs: Any) -> None:
    from django.contrib.auth.management import create_permissions

    # Django makes the permission rows in its own receiver, which may come after this one.
    create_permissions(sender, using=using, verbosity=0)
    import_module("teams.grants").rewrite_group_rights()
