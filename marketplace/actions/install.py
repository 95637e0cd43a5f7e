"""Install: a version of a template into one environment, or into several at once, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction

from clusters.actions.proposal import Proposal, accept, hold_to_plan, require_ready, start_plan
from clusters.actions.saving import save_unique
from clusters.models import Application, Environment, Revision
from clusters.spec.reading import token
from console.kit import text
from console.kit.errors import FieldError, Invalid, Refused, WaybillError
from marketplace import gate
from marketplace.actions.delivering import (
    Wish,
    find_template,
    find_version,
    keep_evidence,
    propose,
    question,
    refuse_what_is_in_the_way,
    tell,
)
from marketplace.models import Installation, Template, Version
from operations.actions.enqueue import BATCH, Subject, enqueue
from operations.models import Operation
from teams import access
from teams.models import User

KIND = Revision.Kind.INSTALL
MOST = 50

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Order:
    """A request to install: what, where, under which name, with which values. `values_by_environment` wins."""

    template: str
    environments: Sequence[str]
    version: str | None = None
    slug: str | None = None
    name: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    values_by_environment: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plan_id: str | None = None
    consents: Sequence[str] = ()

    def values_of(self, environment: Environment) -> dict[str, Any]:
        """The values given for one environment."""
        return {**self.values, **self.values_by_environment.get(environment.slug, {})}


def install(*, acting_user: User, order: Order) -> Operation:
    """Install into each environment as a new application: one operation, or a batch with one child per environment.

    Needs the right to deliver in every environment. All are accepted or none: what is refused points at
    `/environments/{i}`. Raises Denied role_required; Refused version_not_accepted, version_not_published,
    environment_not_ready, cluster_unreachable, slug_taken, confirmation_required; Stale plan_stale; Invalid with the
    fields and values that are wrong.
    """
    with transaction.atomic():
        version, proposals = _proposals(acting_user, order)
        parent = _batch(acting_user, version, len(proposals))
        operations = _each(proposals, lambda proposal: _accept(proposal, version, order, acting_user, parent))
    return parent or operations[0]


def plan_install(*, acting_user: User, order: Order) -> Operation:
    """Ask each environment's cluster what installing would do; refuses what `install` does, writes no application."""
    with transaction.atomic():
        version, proposals = _proposals(acting_user, order)
        parent = _batch(acting_user, version, len(proposals), kind="plan")

        def start(proposal: Proposal) -> Operation:
            environment = proposal.application.environment
            request = {
                "template": order.template,
                "version": version.number,
                "environment": environment.slug,
                "slug": proposal.application.slug,
                "name": proposal.application.name,
                "values": order.values_of(environment),
            }
            return start_plan(proposal, request, acting_user=acting_user, parent=parent)

        operations = _each(proposals, start)
    return parent or operations[0]


def preview_install(*, acting_user: User, order: Order) -> list[dict[str, Any]]:
    """Give what a page draws at once, from rows alone: a preview for each environment, what is missing told in it.

    Raises Invalid for what cannot be read; whether it may be done, `install` says.
    """
    environments = _environments(acting_user, order.environments)
    template = find_template(order.template, acting_user)
    version = find_version(template, order.version, environments)
    slug, name = _names(order, template, environments)
    previews = []
    for where in environments:
        with _told_where_given(order, where):
            wish = Wish(version, order.values_of(where))
            previews.append(propose(KIND, _new(where, slug, name), wish, complete=False).preview())
    return previews


def propose_again(operation: Operation, request: dict[str, Any]) -> Proposal:
    """Make the proposal of a plan anew, in a worker. Raises what has come into its way since."""
    user = operation.initiator
    assert user is not None
    template = find_template(request["template"], user)
    environment = _environments(user, [request["environment"]])[0]
    version = find_version(template, request["version"], [environment])
    wish = Wish(version, request["values"])
    return propose(KIND, _new(environment, request["slug"], request["name"]), wish)


# --- Parts -------------------------------------------------------------------------------------------------------


def _proposals(acting_user: User, order: Order) -> tuple[Version, list[Proposal]]:
    """Check everything and give a proposal for each environment."""
    environments = _environments(acting_user, order.environments)
    unknown = [slug for slug in order.values_by_environment if slug not in order.environments]
    if unknown:
        pointer = f"/values_by_environment/{unknown[0]}"
        raise Invalid("invalid", errors=[FieldError(pointer, "unknown_environment", {"environment": unknown[0]})])
    template = find_template(order.template, acting_user)
    version = find_version(template, order.version, environments)
    slug, name = _names(order, template, environments)
    places = {environment.pk: f"/environments/{index}" for index, environment in enumerate(environments)}

    def one(environment: Environment) -> Proposal:
        access.require(acting_user, environment.deliver_right, environment.team)
        gate.pass_or_raise(question(version, environment))
        require_ready(environment)
        if Application.objects.present().filter(environment=environment, slug=slug).exists():
            raise Refused("slug_taken", slug=slug)
        with _told_where_given(order, environment):
            proposal = propose(KIND, _new(environment, slug, name), Wish(version, order.values_of(environment)))
            refuse_what_is_in_the_way(proposal, places[environment.pk])
        return proposal

    return version, _each(environments, one)


@contextmanager
def _told_where_given(order: Order, environment: Environment) -> Iterator[None]:
    """What is wrong with a value that was given for one environment alone is told there."""
    try:
        yield
    except WaybillError as error:
        own = {f"/values/{token(address)}" for address in order.values_by_environment.get(environment.slug, {})}
        head = f"/values_by_environment/{environment.slug}/"
        error.errors = tuple(
            FieldError(head + part.pointer.removeprefix("/values/"), part.code, part.params)
            if part.pointer in own
            else part
            for part in error.errors
        )
        raise


def _environments(acting_user: User, slugs: Sequence[str]) -> list[Environment]:
    if len(slugs) > MOST:
        raise Invalid("invalid", errors=[FieldError("/environments", "too_many_items", {"limit": MOST})])
    rows = Environment.objects.permitted(acting_user).filter(slug__in=slugs)
    known = {row.slug: row for row in rows.select_related("cluster", "team", "enterprise")}
    faults = [] if slugs else [FieldError("/environments", "required")]
    for index, slug in enumerate(slugs):
        if slug not in known:
            faults.append(FieldError(f"/environments/{index}", "unknown_environment", {"environment": slug}))
        elif slug in slugs[:index]:
            faults.append(FieldError(f"/environments/{index}", "duplicate", {"value": slug}))
    if faults:
        raise Invalid("invalid", errors=faults)
    return [known[slug] for slug in slugs]


def _names(order: Order, template: Template, environments: Sequence[Environment]) -> tuple[str, str]:
    """Give slug and name of the application: those given, else the template's, the slug free in every environment."""
    name = text.check_name(order.name, pointer="/app/name") if order.name else template.name
    if order.slug:
        return text.check_slug(order.slug, pointer="/app/slug"), name
    taken = set(
        Application.objects.present().filter(environment__in=environments).values_list("slug", flat=True).distinct()
    )
    if not order.name and template.slug not in taken:
        return template.slug, name
    return text.slug_from_name(name, lambda slug: slug in taken), name


def _new(environment: Environment, slug: str, name: str) -> Application:
    application = Application(environment=environment, slug=slug, name=name, origin=Application.Origin.MARKET)
    application.give_salt()
    return application


def _batch(acting_user: User, version: Version, count: int, *, kind: str = KIND) -> Operation | None:
    """Write the parent of several operations of a kind; None for one."""
    if count == 1:
        return None
    template = version.template
    href = f"/api/v1/templates/{template.slug}/versions/{version.number}"
    return enqueue(
        kind=BATCH,
        subject=Subject("version", version.pk, f"{template.name} {version.number}", href),
        enterprise=template.enterprise,
        initiator=acting_user,
        input={"kind": kind},
        deadline_seconds=settings.WAYBILL_DEADLINE_DELIVERY,
        is_batch=True,
    )


def _accept(
    proposal: Proposal, version: Version, order: Order, acting_user: User, parent: Operation | None
) -> Operation:
    application = proposal.application
    held = hold_to_plan(proposal, order.plan_id, acting_user=acting_user, consents=order.consents)
    save_unique(application, {"application_slug": Refused("slug_taken", slug=application.slug)})
    Installation.objects.create(application=application, template=version.template)
    operation = accept(
        proposal, acting_user=acting_user, input={**held, "consents": list(order.consents)}, parent=parent
    )
    keep_evidence(operation.revision, version, question(version, application.environment))
    tell(
        "installation.requested",
        application,
        acting_user,
        operation,
        template=version.template.slug,
        version=version.number,
    )
    return operation


_Item = TypeVar("_Item")


def _each(items: Sequence[_Item], call: Callable[[_Item], _Made]) -> list[_Made]:
    """Call for every environment; the first refusal is raised once all were asked, with everyone's errors in it."""
    made: list[_Made] = []
    refusals: list[tuple[int, WaybillError]] = []
    for index, item in enumerate(items):
        try:
            made.append(call(item))
        except WaybillError as error:
            refusals.append((index, error))
    if refusals:
        first = refusals[0][1]
        first.errors = tuple(part for index, error in refusals for part in _placed(error, index, len(items)))
        raise first
    return made


def _placed(error: WaybillError, index: int, count: int) -> list[FieldError]:
    """Give a refusal's errors where the request has what they speak of: its environment, unless they name a value."""
    place = f"/environments/{index}"
    there = (place, "/values_by_environment/")
    if not error.errors:
        return [FieldError(place, error.code, error.params)]
    if count == 1:
        return list(error.errors)
    return [
        part if part.pointer.startswith(there) else FieldError(f"{place}{part.pointer}", part.code, part.params)
        for part in error.errors
    ]
