"""Confirm: a publication whose images all lie in the registry becomes a version that can be installed."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from console.kit.errors import Refused
from marketplace import snapshot
from marketplace.actions.publish import RIGHT, tell
from marketplace.models import Publication, Version
from marketplace.snapshot import Origin
from teams import access, audit
from teams.models import User


def confirm(*, acting_user: User, publication: Publication) -> Version:
    """Publish a version whose images have been copied and verified.

    Needs publish_application on the application's team. Raises Refused publication_not_ready in any other state.
    """
    access.require(acting_user, RIGHT, publication.application.environment.team)
    with transaction.atomic():
        row = Publication.objects.select_for_update(of=("self",)).get(pk=publication.pk)
        if row.state != Publication.State.READY:
            raise Refused("publication_not_ready", state=row.state)
        version = make_version(row, acting_user)
        tell("publication.confirmed", row, acting_user, template=row.template_slug, number=row.version_number)
    return version


def make_version(publication: Publication, acting_user: User) -> Version:
    """Write the version's document and publish it. Inside the caller's transaction; what it writes never changes again.

    The document is taken from the revision that the publication was begun with.
    """
    version = publication.version
    if version is None:
        raise Refused("publication_not_ready", state=publication.state)
    application, revision = publication.application, publication.revision
    chosen = publication.settings
    choice = snapshot.choose(revision.document["components"], chosen["components"], chosen["parameters"])
    origin = Origin(application.environment.slug, application.slug, revision.number, revision.document_hash)
    document = snapshot.document(publication.template_slug, publication.version_number, origin, choice)
    version.document = document
    version.content_hash = snapshot.content_hash(document)
    version.bytes = snapshot.total_bytes(document)
    version.state = Version.State.PUBLISHED
    version.published_by = acting_user
    version.published_at = timezone.now()
    version.save()
    publication.state = Publication.State.PUBLISHED
    publication.save(update_fields=["state"])
    audit.record(
        "version.published",
        acting_user=acting_user,
        object_type="version",
        object_id=version.pk,
        object_label=f"{publication.template_slug} {version.number}",
        team=application.environment.team,
        after={"content_hash": version.content_hash, "registry": version.registry.location, "bytes": version.bytes},
    )
    return version
