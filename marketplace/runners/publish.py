"""The runner of `publish`: bring an application's images into the enterprise's registry, by digest.

The images are copied together, since they share layers; each has a step of its own, which ends as its image did. So the
first copy step does most of the work, and one image that fails does not keep the others from arriving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings

from console.kit.errors import Rejected, Unreachable, WaybillError
from marketplace import registries
from marketplace.actions.confirm import make_version
from marketplace.actions.publish import KIND, RIGHT, abandon, begin_again, tell
from marketplace.models import Publication, PublicationImage
from marketplace.registry import reference
from marketplace.registry.client import Registry, pull
from marketplace.registry.copy import Copier, Progress
from marketplace.registry.ends import Limits, Wanted
from marketplace.registry.layout import Layout, Shelf
from marketplace.registry.wire import Hooks
from operations.engine.runner import Runner

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team, User

COPY = "copy:"
_shelf = Shelf()
DONE = PublicationImage.State.DONE


class PublishRunner(Runner):
    """Resolve, measure, copy, then manifests, tags last, and read everything back."""

    kind = KIND
    unit = "bytes"

    def steps(self, operation: Operation) -> list[str]:
        """Give one copy step per image between the common ones."""
        publication = publication_of(operation)
        paths = publication.images.order_by("path").values_list("path", flat=True)
        confirm = ["confirm"] if publication.confirm_by_itself else []
        return ["resolve", "measure", *(f"{COPY}{path}" for path in paths), "manifests", "tags", "verify", *confirm]

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step."""
        publication = publication_of(work.operation)
        if step.key.startswith(COPY):
            self._copy(work, step, publication, step.key.removeprefix(COPY))
        else:
            getattr(self, f"_{step.key}")(work, step, publication)

    # --- The steps -------------------------------------------------------------------------------------------------

    def _resolve(self, work: Work, step: StepWork, publication: Publication) -> None:
        """Find every image at its source by the digest that was deployed; a tag that has moved since is told."""
        images = [image for image in publication.images.all() if image.state != DONE]
        for image, moved in zip(images, work.parallel(self._finder(work, publication), images), strict=True):
            if moved:
                work.log("tag_moved", level="warning", component=image.components[0], image=image.source)

    def _finder(self, work: Work, publication: Publication) -> Callable[[PublicationImage], bool]:
        wanted = {one.path: one for one in wanted_of(publication)}

        def find(image: PublicationImage) -> bool:
            one, typed = wanted[image.path], reference.parse(image.source)
            hooks = Hooks(user_agent=work.user_agent())
            with Registry(one.source, scopes=[pull(one.source_repository)], hooks=hooks) as source:
                there = source.head(one.source_repository, one.digest, image=one.image)
                tagged = source.head(one.source_repository, typed.tag, image=one.image) if typed.tag else None
            if there is None:
                raise Rejected("image_changed" if tagged else "image_not_found", image=image.source)
            return tagged is not None and tagged.digest not in {"", one.digest}

        return find

    def _measure(self, work: Work, step: StepWork, publication: Publication) -> None:
        """Find out how many bytes each image has, and which of them the registry has already."""
        rows = {row.path: row for row in publication.images.exclude(state=DONE)}
        # Begun again, an image may be there under its very tag.
        number = publication.version_number if work.operation.retry_of_id else None
        found = _look(work, publication, rows, number=number)
        for path, result in found.items():
            if isinstance(result, WaybillError):
                _note(work, rows[path], Progress(error=result))
                raise result
            progress = Progress(total=rows[path].bytes_total, done=0)
            if result is None:
                total = rows[path].bytes_total
                progress = Progress(total=total, done=total, there=total, finished=True)
            else:
                progress.total = result.bytes
            _note(work, rows[path], progress)
        _count(work, publication)
        step.observe(there=[path for path, result in found.items() if result is None])

    def _copy(self, work: Work, step: StepWork, publication: Publication, path: str) -> None:
        """Copy every image that is still missing, and end as this step's own image did."""
        own = publication.images.get(path=path)
        if own.state == PublicationImage.State.FAILED:
            raise Rejected(own.code or "registry_failed", **own.params)
        if own.state != DONE:
            error = self._copy_missing(work, publication).get(path)
            if error is not None:
                raise error
            own.refresh_from_db()
        step.progress(own.bytes_done, own.bytes_total, "bytes")
        step.observe(bytes=own.bytes_total, there=own.bytes_there)

    def _copy_missing(self, work: Work, publication: Publication) -> dict[str, WaybillError]:
        """Copy all that is still missing, and give the errors by path. What failed does not stop the others."""
        rows = {row.path: row for row in publication.images.filter(state__in=("pending", "copying"))}
        layouts, errors = self._layouts(work, publication, rows)
        copier: list[Copier] = []

        def tick() -> None:
            work.check()
            copier[0].measure_progress()
            for path in layouts:
                _note(work, rows[path], copier[0].progress[path])
            _count(work, publication)

        copier.append(_copier(work, publication, layouts, tick))
        copier[0].copy(layouts)
        for path, progress in copier[0].progress.items():
            if progress.error is not None:
                errors[path] = progress.error
            else:
                work.log("image_copied", component=rows[path].components[0], image=path, bytes=progress.total)
                work.changed("part")
        return errors

    def _layouts(
        self, work: Work, publication: Publication, rows: dict[str, PublicationImage]
    ) -> tuple[dict[str, Layout], dict[str, WaybillError]]:
        """Read what the images consist of; one that is there by now is done, one that cannot be read is noted."""
        layouts: dict[str, Layout] = {}
        errors: dict[str, WaybillError] = {}
        for path, result in _look(work, publication, rows).items():
            if isinstance(result, Layout):
                layouts[path] = result
            elif result is None:
                total = rows[path].bytes_total
                _note(work, rows[path], Progress(total, total, total, finished=True))
            else:
                errors[path] = result
                _note(work, rows[path], Progress(error=result))
        return layouts, errors

    def _manifests(self, work: Work, step: StepWork, publication: Publication) -> None:
        """Put the manifests: children first, then what names them."""
        rows = {row.path: row for row in publication.images.all()}
        found = _look(work, publication, rows)
        missing = {path: result for path, result in found.items() if isinstance(result, Layout)}
        _raise_first(result for result in found.values() if isinstance(result, WaybillError))
        if missing:
            put = _copier(work, publication, {path: rows[path] for path in missing}).put(missing)
            _raise_first(put.values())
        step.observe(put=sorted(missing))

    def _tags(self, work: Work, step: StepWork, publication: Publication) -> None:
        """Name every image by the version's number, for people; pods and checks use the digest."""
        rows = {row.path: row for row in publication.images.all()}
        key = work.operation.pk
        read = {path: _shelf.get(key, path, row.digest) for path, row in rows.items()}
        layouts = {path: layout for path, layout in read.items() if layout is not None}
        _raise_first(_copier(work, publication, rows).tag(publication.version_number, layouts).values())
        work.changed("all")

    def _verify(self, work: Work, step: StepWork, publication: Publication) -> None:
        """Read every tag back and hold what comes against the digest."""
        rows = {row.path: row for row in publication.images.all()}
        _raise_first(_copier(work, publication, rows).verify(publication.version_number).values())

    def _confirm(self, work: Work, step: StepWork, publication: Publication) -> None:
        """Publish at once, as the publisher asked for."""
        with work.record():
            if publication.state == Publication.State.COPYING:
                make_version(publication, publication.by)

    # --- The end ---------------------------------------------------------------------------------------------------

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Say what the end means for the publication."""
        publication = Publication.objects.select_for_update(of=("self",)).get(pk=operation.input["publication"])
        if publication.state != Publication.State.COPYING:
            return
        if state == "cancelled":
            abandon(publication, operation.cancel_requested_by)
            return
        publication.state = Publication.State.READY if state == "succeeded" else Publication.State.FAILED
        publication.save(update_fields=["state"])
        if state != "succeeded":
            publication.images.filter(state="copying").update(state="pending")
            tell("publication.failed", publication, operation.initiator, code=error.code if error else None)

    def look_up(self, operations: Sequence[Operation]) -> None:
        """Read their publications."""
        rows = Publication.objects.only("template_slug", "version_number", "state")
        found = {str(row.pk): row for row in rows.filter(pk__in=[one.input["publication"] for one in operations])}
        for operation in operations:
            operation.looked_up = found[operation.input["publication"]]

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether it can still be given up: until it is published."""
        publication: Publication = operation.looked_up or publication_of(operation)
        return publication.state == Publication.State.COPYING

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Who may publish."""
        return RIGHT, operation.team

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Copy what is still missing, for the same publication."""
        return begin_again(acting_user=acting_user, publication=publication_of(operation), retry_of=operation)

    def can_retry(self, operation: Operation) -> bool:
        """As long as it failed, and was not given up."""
        return publication_of(operation).state == Publication.State.FAILED

    def next_steps(self, operation: Operation) -> list[str]:
        """Retry what failed, or give up."""
        return ["retry", "give_up"]

    def result(self, operation: Operation) -> dict[str, Any] | None:
        """Give the publication, and the version once it is published."""
        publication: Publication = operation.looked_up or publication_of(operation)
        base: dict[str, Any] = {"href": operation.subject_href(), "template": publication.template_slug}
        return {**base, "version": publication.version_number, "published": publication.state == "published"}


def publication_of(operation: Operation) -> Publication:
    """Give the publication an operation copies for."""
    return Publication.objects.select_related(
        "application__environment__enterprise", "application__environment__team", "revision", "version__registry", "by"
    ).get(pk=operation.input["publication"])


def wanted_of(publication: Publication) -> list[Wanted]:
    """Say where each image comes from, with which account, and where it goes to."""
    version = publication.version
    assert version is not None, "a publication being copied has its version's row"
    enterprise = publication.application.environment.enterprise
    accounts = publication.revision.content().get("pull") or {}
    wanted = []
    for image in publication.images.order_by("path"):
        typed = reference.parse(image.source)
        place = registries.source_place(typed, enterprise, accounts.get(image.components[0]))
        repository = reference.under(version.registry.prefix, image.path)
        wanted.append(Wanted(image.path, place, typed.path, repository, image.digest))
    return wanted


def _copier(
    work: Work, publication: Publication, paths: Iterable[str], tick: Callable[[], None] | None = None
) -> Copier:
    version = publication.version
    assert version is not None
    chosen, every = set(paths), wanted_of(publication)
    return Copier(
        registries.push_place(version.registry),
        [one for one in every if one.path in chosen],
        limits=Limits(streams=settings.WAYBILL_COPY_STREAMS, small=settings.WAYBILL_COPY_SMALL),
        may_write=work.before_write,
        tick=tick or work.check,
        user_agent=work.user_agent(),
        among=every,
    )


def _look(
    work: Work, publication: Publication, paths: Iterable[str], *, number: str | None = None
) -> dict[str, Layout | WaybillError | None]:
    """Look at images at both ends; what an earlier step has read of a source is not read again."""
    key = work.operation.pk
    found = _copier(work, publication, paths).look(lambda one: _shelf.get(key, one.path, one.digest), number=number)
    for path, layout in found.items():
        if isinstance(layout, Layout):
            _shelf.put(key, path, layout)
    return found


def _note(work: Work, row: PublicationImage, progress: Progress) -> None:
    """Write how far an image is, if that has changed. What is merely away stays to be done."""
    error = progress.error
    state = PublicationImage.State.COPYING
    if progress.finished:
        state = DONE
    elif isinstance(error, Unreachable):
        state = PublicationImage.State.PENDING
    elif error is not None:
        state = PublicationImage.State.FAILED
    fields: dict[str, Any] = {"state": state}
    if progress.total:
        fields |= {"bytes_total": progress.total, "bytes_done": progress.done, "bytes_there": progress.there}
    if error is not None:
        fields |= {"code": error.code, "params": error.params}
    elif progress.finished:
        fields |= {"code": None, "params": {}}
    if any(getattr(row, name) != value for name, value in fields.items()):
        for name, value in fields.items():
            setattr(row, name, value)
        with work.record():
            row.save(update_fields=list(fields))


def _count(work: Work, publication: Publication) -> None:
    """Bring the operation's own progress up to date: the bytes of all its images."""
    rows = publication.images.values_list("bytes_done", "bytes_total")
    work.progress(sum(done for done, _ in rows), sum(total for _, total in rows))


def _raise_first(errors: Iterable[WaybillError | None]) -> None:
    for error in errors:
        if error is not None:
            raise error
