"""The words of the audit trail: every action the console records, with its label."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from teams.audit import register

WORDS = {
    "session.signed_in": _("Signed in"),
    "session.sign_in_failed": _("Sign-in failed"),
    "session.signed_out": _("Signed out"),
    "user.created": _("User created"),
    "user.changed": _("User changed"),
    "user.disabled": _("User disabled"),
    "user.enabled": _("User enabled"),
    "user.password_reset": _("Password reset"),
    "token.created": _("Access token created"),
    "token.revoked": _("Access token revoked"),
    "team.created": _("Team created"),
    "team.renamed": _("Team renamed"),
    "member.added": _("Member added"),
    "member.roles_changed": _("Roles of a member changed"),
    "member.removed": _("Member removed"),
    "cluster.checked": _("Cluster checked"),
    "cluster.connected": _("Cluster connected"),
    "cluster.changed": _("Cluster changed"),
    "cluster.credentials_replaced": _("Cluster credentials replaced"),
    "cluster.removed": _("Cluster removed"),
    "environment.created": _("Environment created"),
    "environment.prepared": _("Environment prepared"),
    "environment.preparation_failed": _("Preparing the environment failed"),
    "environment.rule_changed": _("Rule of the environment changed"),
    "environment.quota_changed": _("Quota of the environment changed"),
    "environment.renamed": _("Environment renamed"),
    "environment.removed": _("Environment removed"),
    "registry.tested": _("Image registry tested"),
    "registry.saved": _("Image registry saved"),
    "registry.saved_untested": _("Image registry saved without a test"),
    "application.created": _("Application created"),
    "application.renamed": _("Application renamed"),
    "application.deployed": _("Application deployed"),
    "application.deploy_failed": _("Deploying the application failed"),
    "application.started": _("Application started"),
    "application.stopped": _("Application stopped"),
    "application.uninstalled": _("Application uninstalled"),
    "application.volumes_deleted": _("Volumes of the application deleted"),
    "component.created": _("Component created"),
    "component.changed": _("Component changed"),
    "component.deleted": _("Component deleted"),
    "publication.started": _("Publication started"),
    "publication.failed": _("Publication failed"),
    "publication.confirmed": _("Publication confirmed"),
    "publication.abandoned": _("Publication given up"),
    "template.created": _("App template created"),
    "template.changed": _("App template changed"),
    "version.published": _("Version published"),
    "version.marked_release": _("Version marked as Release"),
    "version.mark_removed": _("Release mark removed"),
    "installation.requested": _("Installation requested"),
    "installation.installed": _("Application installed"),
    "installation.failed": _("Installation failed"),
    "upgrade.requested": _("Upgrade requested"),
    "upgrade.upgraded": _("Application upgraded"),
    "upgrade.failed": _("Upgrade failed"),
    "rollback.requested": _("Rollback requested"),
    "rollback.rolled_back": _("Application rolled back"),
    "rollback.failed": _("Rollback failed"),
    "operation.cancel_requested": _("Cancelling requested"),
    "operation.cancelled": _("Operation cancelled"),
    "operation.retried": _("Operation retried"),
    "access.refused": _("Access refused"),
    "keys.rotated": _("Encryption keys rotated"),
    "settings.changed": _("Settings changed"),
}


def register_words() -> None:
    """Register them all."""
    for action, label in WORDS.items():
        register(action, label)
