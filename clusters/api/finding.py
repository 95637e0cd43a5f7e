"""Finding what an address names, among what the person may see: absent and foreign are the same."""

from __future__ import annotations

from clusters.models import Application, Component, Environment, Revision
from clusters.present import applications, revisions
from console.kit.api import Endpoint


def environment_of(door: Endpoint, environment: str) -> Environment:
    """Give an environment. Raises NotFound."""
    return door.found(Environment.objects.permitted(door.user).select_related("team", "cluster"), slug=environment)


def application_of(door: Endpoint, environment: str, app: str) -> Application:
    """Give an application with what its JSON shows. Raises NotFound."""
    rows = applications.with_parts(Application.objects.permitted(door.user))
    return door.found(rows, environment__slug=environment, slug=app)


def component_of(door: Endpoint, environment: str, app: str, key: str) -> Component:
    """Give a component of a draft. Raises NotFound."""
    row = application_of(door, environment, app)
    return door.found(Component.objects.select_related("application__environment__team"), application=row, key=key)


def revision_of(door: Endpoint, environment: str, app: str, number: int) -> Revision:
    """Give a revision with what its JSON shows. Raises NotFound."""
    row = application_of(door, environment, app)
    rows = revisions.with_parts(Revision.objects.filter(application=row)).select_related("application")
    return door.found(rows.defer(None), number=number)
