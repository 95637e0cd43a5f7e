"""Mark a version Release, or take the mark back: who, when, why, where it was verified, kept for ever."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from clusters.models import Environment, Revision
from console.kit.errors import FieldError, Invalid, Refused
from marketplace import rights
from marketplace.models import MarkEvent, Version
from teams import audit
from teams.models import User

REASON_LENGTH = 2000


@dataclass(frozen=True)
class Place:
    """Where a version was verified: environment, app, number of the revision."""

    environment: str
    app: str
    revision: int


def mark_version(
    *, acting_user: User, version: Version, mark: str, reason: str | None = None, verified_on: Place | None = None
) -> MarkEvent:
    """Set the mark of a published version to `release` or `test`.

    Needs mark_version on the team that owns the template. Without `verified_on` the newest deployed revision of this
    version in a test environment the marker sees is taken, if there is one. The same mark again is accepted only from
    whoever set it, to add a reason: a further event, since none is ever changed. Raises Denied role_required; Refused
    version_not_published, nothing_changed; Invalid unknown_revision, too_long.
    """
    rights.require_on(version.template, acting_user, "mark_version")
    if reason and len(reason) > REASON_LENGTH:
        raise Invalid("invalid", errors=[FieldError("/reason", "too_long", {"limit": REASON_LENGTH})])
    with transaction.atomic():
        row = Version.objects.select_for_update(of=("self",)).select_related("template__team").get(pk=version.pk)
        if row.state != Version.State.PUBLISHED:
            raise Refused("version_not_published", number=row.number)
        verified = _verified(acting_user, row, verified_on) if mark == Version.Mark.RELEASE else None
        if row.mark == mark:
            # Only a reason may follow, and only from whoever set the mark: it stands in their name.
            last = row.mark_events.order_by("-at", "-id").first()
            if last is None or last.by_id != acting_user.pk or not reason or reason == last.reason:
                raise Refused("nothing_changed")
            verified = verified if verified_on else last.verified_on
        former, row.mark = row.mark, mark
        row.save(update_fields=["mark"])
        event = MarkEvent.objects.create(
            version=row, mark=mark, by=acting_user, at=timezone.now(), reason=reason or None, verified_on=verified
        )
        _record(acting_user, row, event, former)
    return event


def _verified(acting_user: User, version: Version, place: Place | None) -> Revision | None:
    seen = Environment.objects.permitted(acting_user).filter(stage=Environment.Stage.TEST)
    revisions = Revision.objects.filter(
        delivery__version=version, state=Revision.State.DEPLOYED, application__environment__in=seen
    )
    if place is None:
        return revisions.filter(application__removed_at=None).order_by("-created_at").first()
    found = revisions.filter(
        application__environment__slug=place.environment, application__slug=place.app, number=place.revision
    ).first()
    if found is None:
        params = {"revision": f"{place.environment}/{place.app}/{place.revision}"}
        raise Invalid("invalid", errors=[FieldError("/verified_on", "unknown_revision", params)])
    return found


def _record(acting_user: User, version: Version, event: MarkEvent, former: str) -> None:
    released = event.mark == Version.Mark.RELEASE
    audit.record(
        "version.marked_release" if released else "version.mark_removed",
        acting_user=acting_user,
        object_type="version",
        object_id=version.pk,
        object_label=f"{version.template.slug} {version.number}",
        team=version.template.team,
        before={"mark": former},
        after={"mark": event.mark, "verified_on": str(event.verified_on_id) if event.verified_on_id else None},
        reason=event.reason,
    )
