"""HTTP routes of an application among those of its cluster: one host and path leads to one application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from clusters.manifests import names
from clusters.models import Application, AppliedObject, Cluster, Revision
from clusters.routing import Fault, Place, routed, routes_of, taken
from clusters.spec import Component
from console.kit.errors import FieldError, Invalid, Refused

INGRESS = "Ingress"


def place_of(application: Application) -> Place:
    """Give what the routes of an application are made from."""
    environment = application.environment
    cluster = environment.cluster
    return Place(
        application.slug, environment.slug, cluster.name, cluster.ingress_class or None, cluster.ingress_domain or None
    )


def settle_routes(application: Application, components: Sequence[Component]) -> tuple[list[Component], list[Fault]]:
    """Give the components with their routes settled, and all that is in the way of them, other applications too."""
    found, faults = routed(components, place_of(application))
    return found, [*faults, *taken_routes(application, found)]


def taken_routes(application: Application, components: Sequence[Component]) -> list[Fault]:
    """Give a fault for each route at which another application of the cluster answers, or is about to."""
    if not routes_of(components):
        return []
    cluster = application.environment.cluster
    return taken(components, _routes_of_others(application), cluster.name)


def refuse_faults(faults: Sequence[Fault], *, made: bool) -> None:
    """Raise what is in the way, each at its place: in the draft, or among the values of an environment.

    Raises Refused ingress_class_missing, route_host_missing, route_taken; Invalid for two routes at one place.
    """
    if not faults:
        return
    errors = [FieldError(one.in_document if made else one.in_values, one.code, one.params) for one in faults]
    first = next((one for one in faults if one.code != "duplicate"), None)
    if first is None:
        raise Invalid("invalid", errors=errors)
    # What a whole cluster lacks is about no value of this application.
    if not made:
        errors = [error for error, one in zip(errors, faults, strict=True) if one.field == "host"]
    raise Refused(first.code, errors=errors, **first.params)


def hold_routes(application: Application, components: Sequence[Component]) -> None:
    """Make sure, inside the transaction that accepts a revision, that nobody takes its routes at the same moment.

    Raises Refused route_taken.
    """
    if not routes_of(components):
        return
    cluster = application.environment.cluster
    Cluster.objects.select_for_update(no_key=True).filter(pk=cluster.pk).values_list("pk").first()
    refuse_faults(taken_routes(application, components), made=application.origin == Application.Origin.MADE)


def _routes_of_others(application: Application) -> set[tuple[str, str]]:
    """Give host and path of every route on the cluster that another application has there, or is about to have.

    What stands there is told by the inventory: the revision that an Ingress was sent for. What is about to come, by
    revisions under way.
    """
    cluster = application.environment.cluster_id
    standing = AppliedObject.objects.filter(environment__cluster=cluster, kind=INGRESS)
    standing = standing.exclude(application=application.pk).exclude(state=AppliedObject.State.REMOVING)
    found: set[tuple[str, str]] = set()
    for row in standing.select_related("revision", "application"):
        for own in routes_of(_components(row.revision)):
            if names.workload(row.application.slug, own.component) == row.name:
                found.add(own.at)
    coming = Revision.objects.filter(
        state=Revision.State.PENDING, application__environment__cluster=cluster, application__removed_at=None
    ).exclude(application=application.pk)
    for revision in coming.exclude(kind=Revision.Kind.UNINSTALL):
        found |= {own.at for own in routes_of(_components(revision))}
    return found


def _components(revision: Revision) -> list[Component]:
    return cast("list[Component]", revision.document.get("components", []))
