"""Applications: made empty in an environment, and given another name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from clusters.actions.saving import save_unique
from clusters.actions.uninstall import right_of
from clusters.models import Application, Environment
from console.kit import text
from console.kit.api import check_version
from console.kit.errors import FieldError, NotFound, Refused
from teams import access, audit

if TYPE_CHECKING:
    from teams.models import User


@transaction.atomic
def add_application(*, environment: Environment, name: str, slug: str | None = None, acting_user: User) -> Application:
    """Make an empty application; its components follow one by one, and nothing runs until it is deployed.

    Raises Denied role_required; Refused made_not_accepted, slug_taken, name_taken; Invalid for a name or slug.
    """
    access.require(acting_user, "edit_application", environment.team)
    place = _held(environment)
    refuse_made(place)
    name = text.check_name(name)
    there = Application.objects.filter(environment=place, removed_at=None)
    if slug:
        slug = text.check_slug(slug)
    else:
        slug = text.slug_from_name(name, lambda word: there.filter(slug=word).exists())
    _refuse_name(place, name)
    application = Application(environment=place, slug=slug, name=name, origin=Application.Origin.MADE)
    taken = Refused("slug_taken", slug=slug, errors=[FieldError("/slug", "slug_taken", {"slug": slug})])
    save_unique(application, {"application_slug": taken})
    record("application.created", application, acting_user, after={"slug": slug, "name": name})
    return application


@transaction.atomic
def rename_application(
    *, application: Application, name: str, acting_user: User, expected_version: int | None = None
) -> Application:
    """Give an application another display name; names of its objects follow the slug, which never changes.

    Raises Denied role_required, Stale etag_mismatch, Refused name_taken, Invalid.
    """
    access.require(acting_user, right_of(application), application.environment.team)
    _held(application.environment)
    row = locked(application)
    check_version(row, expected_version)
    name = text.check_name(name)
    if name == row.name:
        return row
    _refuse_name(row.environment, name, but=row)
    before, row.name = row.name, name
    row.save(update_fields=["name"])
    record("application.renamed", row, acting_user, before={"name": before}, after={"name": name})
    return row


def refuse_made(environment: Environment) -> None:
    """Refuse what is made by hand where only Release versions are accepted: the gate would be hollow otherwise."""
    if environment.accepts != Environment.Accepts.ANY:
        raise Refused("made_not_accepted", environment=environment.name)


def locked(application: Application) -> Application:
    """Give the application's row, locked, with its environment. Raises NotFound when it is gone."""
    rows = Application.objects.present().select_related("environment__team", "environment__cluster")
    row = rows.select_for_update(of=("self",)).filter(pk=application.pk).first()
    if row is None:
        raise NotFound()
    return row


def record(action: str, application: Application, acting_user: User | None, **details: Any) -> None:
    """Write an audit event about an application."""
    environment = application.environment
    audit.record(
        action,
        acting_user=acting_user,
        object_type="app",
        object_id=application.pk,
        object_label=f"{environment.slug}/{application.slug}",
        team=environment.team,
        environment_id=environment.pk,
        **details,
    )


def _held(environment: Environment) -> Environment:
    """Hold the environment's row, so that two people making the same name wait for each other."""
    rows = Environment.objects.present().select_related("team", "cluster")
    row = rows.select_for_update(of=("self",)).filter(pk=environment.pk).first()
    if row is None:
        raise NotFound()
    return row


def _refuse_name(environment: Environment, name: str, but: Application | None = None) -> None:
    others = Application.objects.filter(environment=environment, removed_at=None, name=name)
    if (others.exclude(pk=but.pk) if but else others).exists():
        raise Refused("name_taken", name=name, errors=[FieldError("/name", "name_taken", {"name": name})])
