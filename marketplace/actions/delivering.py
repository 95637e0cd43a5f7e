"""What installing, upgrading and rolling back share: the gate asked from rows, and the proposal a version makes."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Q, QuerySet

from clusters import values as settings_of
from clusters.actions.proposal import Proposal, limits_of, used_of
from clusters.actions.routes import refuse_faults, settle_routes
from clusters.models import Application, AppliedObject, Environment, Revision
from clusters.planning import PreviewFacts, Side
from clusters.spec import Component, pull_reference
from clusters.spec.image import image_text
from clusters.values import Former
from console.kit.errors import FieldError, Invalid, Refused
from console.kit.secrets import fingerprint
from marketplace import gate, versioning
from marketplace.actions.returned import rolled_back_from
from marketplace.gate import Question
from marketplace.models import Delivery, Installation, Template, Version
from operations.models import Operation
from teams import audit
from teams.models import Team, User

CONSENTS = ("overwrite_changes",)


# --- The gate ----------------------------------------------------------------------------------------------------


def is_visible(template: Template, team: Team) -> bool:
    """Whether a team may see a template: its own, or one for the whole enterprise."""
    same = template.enterprise_id == team.enterprise_id and template.removed_at is None
    return same and (template.scope == Template.Scope.ENTERPRISE or template.team_id == team.pk)


def newest_release(template: Template) -> str | None:
    """Give the number of a template's newest Release version."""
    released = template.versions.filter(state=Version.State.PUBLISHED, mark=Version.Mark.RELEASE)
    return released.order_by("-sort_key").values_list("number", flat=True).first()


def question(version: Version, environment: Environment, *, once_deployed: bool = False) -> Question:
    """Gather what the gate looks at."""
    event = version.mark_events.order_by("-at", "-id").first()
    return Question(
        number=version.number,
        state=version.state,
        mark=version.mark,
        visible=is_visible(version.template, environment.team),
        environment=environment.name,
        accepts=environment.accepts,
        once_deployed=once_deployed,
        newest_release=newest_release(version.template),
        mark_event=str(event.pk) if event is not None else None,
    )


def keep_evidence(revision: Revision, version: Version, asked: Question) -> Delivery:
    """Write what the gate saw when a delivery was accepted."""
    return Delivery.objects.create(revision=revision, version=version, gate={"accepted": gate.evidence(asked)})


# --- Which version -----------------------------------------------------------------------------------------------


def find_template(slug: str, acting_user: User) -> Template:
    """Find a template the person sees. Raises Invalid unknown_template at `/template`."""
    found = Template.objects.permitted(acting_user).shown().filter(slug=slug).select_related("team").first()
    if found is None:
        raise Invalid("invalid", errors=[FieldError("/template", "unknown_template", {"template": slug})])
    return found


def find_version(template: Template, number: str | None, environments: Sequence[Environment]) -> Version:
    """Find a published version by its number; without one the newest Release, or, where no environment asks for that
    mark and there is no Release, the newest.

    Raises Invalid unknown_version at `/version`; Refused version_not_accepted when a Release is needed and none exists.
    """
    rows = _published(template)
    if number is not None:
        found = rows.filter(sort_key=versioning.read(number, pointer="/version").sort_key).first()
        if found is None:
            raise Invalid("invalid", errors=[FieldError("/version", "unknown_version", {"number": number})])
        return found
    newest = rows.first()
    release = rows.filter(mark=Version.Mark.RELEASE).first()
    if release is not None:
        return release
    if newest is None:
        raise Invalid("invalid", errors=[FieldError("/version", "required")])
    strict = next((row for row in environments if row.accepts == Environment.Accepts.RELEASE), None)
    if strict is not None:
        raise Refused("version_not_accepted", environment=strict.name, number=newest.number, newest_release=None)
    return newest


def _published(template: Template) -> QuerySet[Version]:
    rows = template.versions.filter(state=Version.State.PUBLISHED).order_by("-sort_key")
    return rows.select_related("template__team", "registry")


# --- The proposal ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What was asked for: the version, the values given, the addresses returned to the template's, the consents."""

    version: Version
    values: Mapping[str, Any]
    reset: Collection[str] = ()
    consents: Sequence[str] = ()


def propose(kind: str, application: Application, wish: Wish, *, complete: bool = True) -> Proposal:
    """Work out the revision that brings a version to an application (one that is not saved yet, for an installation).

    Raises Invalid with what is wrong with the values, and, when `complete`, with those still missing.
    """
    version, environment = wish.version, application.environment
    document: dict[str, Any] = version.document or {}
    template = cast("list[Component]", document["components"])
    current, former = _former(application)
    salt = application.open_salt()
    settled = settings_of.settle(
        template,
        document["parameters"],
        given=wish.values,
        former=Former(former.values, former.content().get("values") or {}) if former else Former(),
        reset=wish.reset,
        volumes_there=_volumes(current),
        generate=lambda rule: settings_of.generated_text(rule, secrets.choice),
        fingerprint=lambda value: fingerprint(salt, value),
    )
    if complete:
        settled.require_complete()
    components, faults = settle_routes(application, settings_of.apply(template, settled.values))
    for component in components:
        component["image"]["pull"] = pull_reference(component["image"], version.registry.location)
    source = {"template": version.template.slug, "number": version.number, "content_hash": version.content_hash}
    old = cast("list[Component]", current.document["components"]) if current else []
    return Proposal(
        kind=kind,
        application=application,
        components=components,
        values=settled.values,
        facts=PreviewFacts(
            kind=kind,
            environment=environment.slug,
            app=application.slug,
            accepts=environment.accepts,
            old=old,
            new=components,
            former=side_of(current) if current else None,
            to=side_of_version(version),
            allowed=gate.ask(question(version, environment)).allowed,
            template=template,
            settled=settled,
            hard=limits_of(environment),
            used=used_of(environment),
            images_there=images_there(environment),
            claims_there=claims_there(application),
            refusals=[fault.notice for fault in faults],
            warnings=_warnings(kind, application, version),
        ),
        secrets=settled.secrets,
        source=source,
        based_on=current,
        number=version.number,
        mark=version.mark,
    )


def _former(application: Application) -> tuple[Revision | None, Revision | None]:
    """Give the deployed revision, and the one whose values are carried over: that one, or else the last attempt."""
    if application._state.adding:
        return None, None
    current = application.current_revision
    if current is not None:
        return current, current
    return None, application.revisions.exclude(kind=Revision.Kind.UNINSTALL).order_by("-number").first()


def _volumes(current: Revision | None) -> set[str]:
    components = current.document["components"] if current else []
    return {f"{part['key']}.volumes.{volume['name']}" for part in components for volume in part["volumes"]}


def images_there(environment: Environment) -> set[str]:
    """Give the digests that applications of an environment run already, by their deployed revisions."""
    deployed = Revision.objects.filter(current_of__environment=environment, current_of__removed_at=None)
    documents = deployed.values_list("document", flat=True)
    return {
        image_text(component["image"]).rpartition("@")[2]
        for document in documents
        for component in document["components"]
    }


def claims_there(application: Application) -> set[str]:
    """Give the volume claims an application has, also those that components left behind: claims are never removed."""
    if application._state.adding:
        return set()
    claims = AppliedObject.objects.filter(application=application, kind="PersistentVolumeClaim")
    return set(claims.exclude(state=AppliedObject.State.REMOVING).values_list("name", flat=True))


def side_of(revision: Revision) -> Side:
    """Give one end of a change as a plan shows it."""
    delivery = Delivery.objects.filter(revision=revision).select_related("version").first()
    if delivery is None:
        return Side(revision=revision.number)
    side = side_of_version(delivery.version)
    return Side(revision.number, side.version, side.mark, side.marked_by, side.marked_at)


def side_of_version(version: Version) -> Side:
    """Give a version with its mark, who set it, and when."""
    event = version.mark_events.select_related("by").order_by("-at", "-id").first()
    if event is None:
        return Side(version=version.number, mark=version.mark)
    at = event.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Side(version=version.number, mark=version.mark, marked_by=event.by.login, marked_at=at)


def _warnings(kind: str, application: Application, version: Version) -> list[dict[str, Any]]:
    if application._state.adding:
        return []
    held = Installation.objects.filter(application=application).select_related("version").first()
    older = held is not None and held.version is not None and version.sort_key < held.version.sort_key
    left = rolled_back_from(application, version) if kind == Revision.Kind.UPGRADE else None
    return [*([{"code": "older_version", "params": {}}] if older else []), *([left] if left else [])]


def refuse_what_is_in_the_way(proposal: Proposal, pointer: str) -> None:
    """Raise what no cluster needs to be asked about: Invalid for a quota that the sums over the documents already
    exceed; Refused ingress_class_missing, route_host_missing and route_taken for an HTTP route that cannot be."""
    refuse_faults(settle_routes(proposal.application, proposal.components)[1], made=False)
    found = [item for item in proposal.preview()["refusals"] if item["code"] == "quota_exceeded"]
    if found:
        raise Invalid("invalid", errors=[FieldError(pointer, item["code"], item["params"]) for item in found])


# --- Rows --------------------------------------------------------------------------------------------------------


def installation_of(application: Application) -> Installation | None:
    """Give the installation of an application, with template and version; None for one made by hand."""
    rows = Installation.objects.select_related("template__team", "version")
    return rows.filter(application=application).first()


def was_deployed() -> Q:
    """The condition of revisions that were deployed once, and may always be gone back to."""
    return Q(state__in=[Revision.State.DEPLOYED, Revision.State.SUPERSEDED]) & ~Q(kind=Revision.Kind.UNINSTALL)


def tell(word: str, application: Application, acting_user: User | None, operation: Operation, **after: Any) -> None:
    """Write one event about a delivery to the audit trail."""
    environment = application.environment
    audit.record(
        word,
        acting_user=acting_user,
        object_type="app",
        object_id=application.pk,
        object_label=f"{environment.slug}/{application.slug}",
        team=environment.team,
        environment_id=environment.pk,
        after={"operation": operation.name, **after},
    )
