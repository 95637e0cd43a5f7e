"""Publish: begin to make a version of what is deployed, and give up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone

from clusters.actions.saving import save_unique
from clusters.models import Application, Revision
from clusters.spec.image import image_text
from console.kit import text
from console.kit.errors import FieldError, Invalid, Refused
from marketplace import registries, rights, snapshot, versioning
from marketplace.models import ImageRegistry, Publication, PublicationImage, Template, Version
from marketplace.registry import reference
from marketplace.registry.reference import component_path
from marketplace.snapshot import Choice
from marketplace.versioning import Number
from operations.actions.cancel import cancel
from operations.actions.enqueue import Subject, enqueue
from operations.models import Operation
from teams import access, audit
from teams.models import User

KIND = "publish"
RIGHT = "publish_application"
MAX_TAGS = 20
TAG_LENGTH = 30
INTRO_LENGTH = 400
ALIAS_LENGTH = 64
NOTES_LENGTH = 20_000


@dataclass(frozen=True)
class TemplateWish:
    """Which template a version shall belong to: a new one when it has a name, else the one of this slug."""

    slug: str | None = None
    name: str | None = None
    scope: str = "enterprise"
    intro: str = ""
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class VersionWish:
    """What the version shall be called, and what is in it."""

    number: str
    alias: str | None = None
    notes: str | None = None
    components: Sequence[str] | None = None
    parameters: Any = ()


def publish(
    *,
    acting_user: User,
    application: Application,
    template: TemplateWish,
    version: VersionWish,
    confirm_by_itself: bool = False,
) -> Publication:
    """Start to publish the deployed revision of an application; its images are copied by a worker.

    Needs publish_application on the application's team and on the template's. Raises Refused market_application,
    nothing_deployed, registry_not_set, slug_taken, name_taken, number_taken (with the next free one); Invalid with the
    fields that are wrong.
    """
    team = application.environment.team
    access.require(acting_user, RIGHT, team)
    if application.origin != Application.Origin.MADE:
        raise Refused("market_application")
    with transaction.atomic():
        locked = Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
        revision = locked.current_revision
        if revision is None or revision.kind == Revision.Kind.UNINSTALL:
            raise Refused("nothing_deployed")
        registry = registries.current(team.enterprise)
        number = versioning.read(version.number)
        choice = snapshot.choose(revision.document["components"], version.components, list(version.parameters))
        row, is_new = _template(acting_user, locked, template)
        _check_paths(registry, row, number, choice)
        made = _version(row, registry, number, version)
        publication = Publication(
            application=locked,
            number=(locked.publications.order_by("-number").values_list("number", flat=True).first() or 0) + 1,
            revision=revision,
            version=made,
            template_slug=row.slug,
            version_number=made.number,
            settings={"components": choice.keys, "parameters": [dict(item) for item in choice.parameters]},
            confirm_by_itself=confirm_by_itself,
            by=acting_user,
        )
        publication.operation = begin(publication, acting_user)
        publication.save()
        _images(publication, choice)
        _record(acting_user, publication, row, is_new)
    return publication


def begin(publication: Publication, acting_user: User, retry_of: Operation | None = None) -> Operation:
    """Write the operation that copies for a publication. Inside the caller's transaction."""
    environment = publication.application.environment
    name = f"{publication.template_slug} {publication.version_number}"
    return enqueue(
        kind=KIND,
        subject=Subject("publication", publication.pk, name, href(publication)),
        enterprise=environment.enterprise,
        initiator=acting_user,
        team=environment.team,
        environment_id=environment.pk,
        lock_key=publication.lock_key,
        input={"publication": str(publication.pk)},
        deadline_seconds=django_settings.WAYBILL_DEADLINE_PUBLISH,
        retry_of=retry_of,
    )


def href(publication: Publication) -> str:
    """The API path of a publication."""
    application = publication.application
    base = f"/api/v1/environments/{application.environment.slug}/apps/{application.slug}"
    return f"{base}/publications/{publication.number}"


def begin_again(*, acting_user: User, publication: Publication, retry_of: Operation) -> Operation:
    """Copy once more what is still missing; images that are done stay done. Raises Refused not_retryable."""
    with transaction.atomic():
        row = Publication.objects.select_for_update(of=("self",)).get(pk=publication.pk)
        if row.state != Publication.State.FAILED:
            raise Refused("not_retryable", kind=KIND)
        row.images.exclude(state="done").update(state="pending", code=None, params={})
        row.state = Publication.State.COPYING
        row.operation = begin(row, acting_user, retry_of)
        row.save(update_fields=["state", "operation"])
        return row.operation


def give_up(*, acting_user: User, publication: Publication) -> None:
    """Give a publication up: nothing of it stays visible, and its number is free again.

    One that is being copied is asked to stop and ends as given up. Raises Refused publication_not_ready once it is
    published.
    """
    access.require(acting_user, RIGHT, publication.application.environment.team)
    with transaction.atomic():
        row = Publication.objects.select_for_update(of=("self",)).get(pk=publication.pk)
        if row.state == Publication.State.PUBLISHED:
            raise Refused("publication_not_ready", state=row.state)
        if row.state == Publication.State.ABANDONED:
            return
        if row.state != Publication.State.COPYING:
            abandon(row, acting_user)
            return
    cancel(operation=row.operation, acting_user=acting_user)


def abandon(publication: Publication, acting_user: User | None) -> None:
    """Take a publication's version away, and a template that has no other. Inside the caller's transaction."""
    version = publication.version
    publication.version = None
    publication.state = Publication.State.ABANDONED
    publication.save(update_fields=["version", "state"])
    if version is not None:
        template = version.template
        version.delete()
        if not template.versions.exists():
            template.removed_at = timezone.now()
            template.save(update_fields=["removed_at"])
    tell("publication.abandoned", publication, acting_user)


def tell(action: str, publication: Publication, acting_user: User | None, **after: Any) -> None:
    """Write one event about a publication to the audit trail."""
    environment = publication.application.environment
    audit.record(
        action,
        acting_user=acting_user,
        object_type="publication",
        object_id=publication.pk,
        object_label=f"{publication.template_slug} {publication.version_number}",
        team=environment.team,
        environment_id=environment.pk,
        after={"operation": publication.operation.name, "revision": publication.revision.number, **after},
    )


def _record(acting_user: User, publication: Publication, template: Template, is_new: bool) -> None:
    if is_new:
        audit.record(
            "template.created",
            acting_user=acting_user,
            object_type="template",
            object_id=template.pk,
            object_label=template.name,
            team=template.team,
            after={name: getattr(template, name) for name in ("slug", "name", "scope", "intro", "tags")},
        )
    tell(
        "publication.started",
        publication,
        acting_user,
        template=template.slug,
        number=publication.version_number,
        components=publication.settings["components"],
        confirm_by_itself=publication.confirm_by_itself,
    )


# --- The template ----------------------------------------------------------------------------------------------------


def _template(acting_user: User, application: Application, wish: TemplateWish) -> tuple[Template, bool]:
    if wish.name is not None:
        return _new_template(acting_user, application, wish), True
    found = Template.objects.permitted(acting_user).filter(slug=wish.slug or "").select_related("team").first()
    if found is None:
        missing = "required" if not wish.slug else "unknown_template"
        params = {"template": wish.slug} if wish.slug else {}
        raise Invalid("invalid", errors=[FieldError("/template/slug", missing, params)])
    rights.require_on(found, acting_user, RIGHT)
    return found, False


def _new_template(acting_user: User, application: Application, wish: TemplateWish) -> Template:
    enterprise = application.environment.enterprise
    name = text.check_name(wish.name or "", pointer="/template/name")

    def taken(slug: str) -> bool:
        return Template.objects.present().filter(enterprise=enterprise, slug=slug).exists()

    given = text.check_slug(wish.slug, pointer="/template/slug") if wish.slug else None
    slug = given or text.slug_from_name(name, taken, otherwise="template")
    template = Template(
        enterprise=enterprise,
        team=application.environment.team,
        slug=slug,
        name=name,
        scope=wish.scope,
        intro=check_intro(wish.intro, "/template/intro"),
        tags=check_tags(wish.tags, "/template/tags"),
    )
    save_unique(
        template,
        {
            "template_slug": Refused("slug_taken", slug=slug),
            "template_name": Refused("name_taken", name=name),
        },
    )
    return template


def check_intro(intro: str, pointer: str = "/intro") -> str:
    """Give an intro as it is kept. Raises Invalid too_long."""
    if len(intro.strip()) > INTRO_LENGTH:
        raise Invalid("invalid", errors=[FieldError(pointer, "too_long", {"limit": INTRO_LENGTH})])
    return intro.strip()


def check_tags(tags: Sequence[str], pointer: str = "/tags") -> list[str]:
    """Give tags as they are kept: each once, in the order given. Raises Invalid with the tag that is wrong."""
    if len(tags) > MAX_TAGS:
        raise Invalid("invalid", errors=[FieldError(pointer, "too_many_items", {"limit": MAX_TAGS})])
    checked = [text.check_name(tag, pointer=f"{pointer}/{index}", longest=TAG_LENGTH) for index, tag in enumerate(tags)]
    return list(dict.fromkeys(checked))


# --- The version -----------------------------------------------------------------------------------------------------


def _version(template: Template, registry: ImageRegistry, number: Number, wish: VersionWish) -> Version:
    version = Version(
        template=template,
        number=number.text,
        sort_key=number.sort_key,
        alias=text.check_name(wish.alias, pointer="/alias", longest=ALIAS_LENGTH) if wish.alias else None,
        notes=_notes(wish.notes),
        registry=registry,
    )
    taken = list(template.versions.values_list("number", flat=True))
    refusal = Refused("number_taken", number=number.text, next=versioning.next_free(number.text, [*taken, number.text]))
    save_unique(version, {"version_number": refusal, "version_sort_key": refusal})
    return version


def _notes(notes: str | None) -> str | None:
    if notes and len(notes) > NOTES_LENGTH:
        raise Invalid("invalid", errors=[FieldError("/notes", "too_long", {"limit": NOTES_LENGTH})])
    return notes or None


def _check_paths(registry: ImageRegistry, template: Template, number: Number, choice: Choice) -> None:
    for key in choice.keys:
        reference.published(registry.address, registry.prefix, component_path(template.slug, key), number.text)


def _images(publication: Publication, choice: Choice) -> None:
    PublicationImage.objects.bulk_create(
        PublicationImage(
            publication=publication,
            source=component["image"].get("source") or image_text(component["image"]),
            digest=component["image"]["digest"],
            path=component_path(publication.template_slug, component["key"]),
            components=[component["key"]],
            bytes_total=component["image"]["bytes"],
        )
        for component in choice.components
    )
