"""An application's images at both ends: looking what is where, putting manifests, naming, reading back.

An image that is there already by digest, or by the tag it is to have, ends at once. Everything is asked side by side,
since distance costs round trips; what nothing else waits for waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from console.kit.errors import Rejected, WaybillError
from marketplace.registry.client import Registry, fallback_tag, pull, push
from marketplace.registry.crew import Crew
from marketplace.registry.layout import Layout, read_layout
from marketplace.registry.manifests import Manifest, matches, referrers_list
from marketplace.registry.wire import Hooks, Place


@dataclass(frozen=True)
class Wanted:
    """One image to have in the target: where it comes from, by digest, and the repository it goes to."""

    path: str
    source: Place
    source_repository: str
    repository: str
    digest: str

    @property
    def image(self) -> str:
        """How errors name it."""
        return f"{self.source.address}/{self.source_repository}@{self.digest}"


@dataclass(frozen=True)
class Limits:
    """How many requests may be in flight: for bytes, and for everything small."""

    streams: int = 4
    small: int = 16


Known = Callable[[Wanted], Layout | None]
Follow = Callable[[Any, Exception | None], None]


class Ends:
    """One pass over an application: look, put, tag or verify. Each blocks until it is done, leads its threads from the
    caller's thread, and uses this up.

    `may_write` is asked before every write, `tick` is called twice a second; both may raise, which stops everything.
    """

    def __init__(
        self,
        target: Place,
        images: Iterable[Wanted],
        *,
        limits: Limits,
        may_write: Callable[[], None],
        tick: Callable[[], None],
        user_agent: str,
        among: Iterable[Wanted] | None = None,
    ) -> None:
        """`among`: all images of the work these are some of; tokens are asked for all of them at once."""
        self.images = list(images)
        self.named: set[str] = set()
        """The paths of images that `look` has read back by their tag, byte for byte."""
        self._crew = Crew(
            {"small": limits.small, "bytes": limits.streams}, may_write=may_write, tick=tick, cut=self._cut
        )
        hooks = Hooks(self._crew.permit, self._crew.pause, user_agent)
        every = list(among) if among is not None else self.images
        self._target = Registry(target, scopes=_target_scopes(target, every), hooks=hooks)
        self._sources = {
            place: Registry(
                place, scopes={pull(image.source_repository) for image in every if image.source == place}, hooks=hooks
            )
            for place in {image.source for image in self.images}
        }
        self._limits = limits

    def _cut(self) -> None:
        for registry in (self._target, *self._sources.values()):
            registry.wire.abort()

    def close(self) -> None:
        """Close what connections are left."""
        for registry in (self._target, *self._sources.values()):
            registry.wire.close()

    # --- looking ---------------------------------------------------------------------------------------------------

    def look(self, known: Known | None = None, *, number: str | None = None) -> dict[str, Layout | WaybillError | None]:
        """Look at every image at both ends: None when the target has it, else what it consists of, or why not.

        What `known` gives is not read from the source again. With the `number` they are to have, images are looked for
        by that tag first: what it names already is `named`, and nothing is left to do for it.
        """
        found: dict[str, Layout | WaybillError | None] = {}
        for image in self.images:
            follow = _into(found, image.path)
            if number is None:
                self._crew.submit("small", partial(self._search, image, known), follow)
            else:
                judge = partial(self._judge, image, known, follow)
                self._crew.submit("small", partial(self._tagged, image, number), judge)
        self._crew.lead()
        self.close()
        return found

    def _judge(
        self, image: Wanted, known: Known | None, follow: Follow, tagged: Manifest | None, error: Exception | None
    ) -> None:
        """Decide by what the tag names: nothing is left to do, or the image is searched for by its digest."""

        def proven(_: object, missing: Exception | None) -> None:
            if missing is None:
                self.named.add(image.path)
                follow(None, None)
            else:
                # What an index lists is gone: copied anew, it is whole again.
                self._crew.submit("small", partial(self._search, image, known, here=False), follow)

        if error is not None:
            follow(None, error)
        elif tagged is not None and matches(tagged.raw, image.digest):
            self._all(self._children_of(tagged, image), proven)
        else:
            # A tag that names another image: this one has hardly lain here before, and its blobs are looked for anyway.
            search = partial(self._search, image, known, here=tagged is None)
            self._crew.submit("small", search, follow)

    def _search(self, image: Wanted, known: Known | None, *, here: bool = True) -> Layout | None:
        head = self._target.head(image.repository, image.digest, image=image.image) if here else None
        if head is not None and head.digest in {"", image.digest}:
            return None
        found = known(image) if known else None
        return found or read_layout(
            self._sources[image.source], image.source_repository, image.digest, image=image.image
        )

    def _tagged(self, image: Wanted, number: str) -> Manifest | None:
        """Give what the tag names now; None when it names nothing that can be read as an image."""
        try:
            return self._target.manifest(image.repository, number, image=self._own(image, number))
        except Rejected as error:
            if error.code in {"image_not_found", "image_unsupported"}:
                return None
            raise

    def _own(self, image: Wanted, number: str | None = None) -> str:
        """How errors name the image in the target."""
        mark = f":{number}" if number else f"@{image.digest}"
        return f"{self._target.place.address}/{image.repository}{mark}"

    def _children_of(self, held: Manifest, image: Wanted) -> list[Callable[[], object]]:
        """Give the questions whether what an index lists is there, each raising Rejected image_not_found."""
        return [partial(self._child, image, child.digest) for child in held.children]

    def _child(self, image: Wanted, digest: str) -> None:
        if self._target.head(image.repository, digest, image=self._own(image)) is None:
            raise Rejected("image_not_found", image=self._own(image))

    def _all(self, jobs: Sequence[Callable[[], object]], follow: Follow) -> None:
        """Run these side by side; then `follow` with the first error there was."""
        left = len(jobs)
        first: Exception | None = None

        def one(_: object, error: Exception | None) -> None:
            nonlocal left, first
            left, first = left - 1, first or error
            if not left:
                follow(None, first)

        for job in jobs:
            self._crew.submit("small", job, one)
        if not jobs:
            follow(None, None)

    # --- manifests -------------------------------------------------------------------------------------------------

    def put(self, layouts: dict[str, Layout]) -> dict[str, WaybillError | None]:
        """Put the manifests of these images, children before the index, then what refers to them. No tag yet."""
        done: dict[str, WaybillError | None] = {}
        for image in self.images:
            if image.path in layouts:
                self._begin_put(image, layouts[image.path], _into(done, image.path))
        self._crew.lead()
        self.close()
        return done

    def _begin_put(self, image: Wanted, layout: Layout, follow: Follow) -> None:
        """Put what lists nothing side by side, then in turn what lists it."""
        leaves = [manifest for manifest in layout.manifests[:-1] if not manifest.children]
        rest = [manifest for manifest in layout.manifests if manifest not in leaves]

        def then(_: object, error: Exception | None) -> None:
            if error is not None:
                follow(None, error)
            else:
                self._crew.submit("small", partial(self._put, image, layout, rest), follow)

        self._all([partial(self._put_one, image, manifest) for manifest in leaves], then)

    def _put_one(self, image: Wanted, manifest: Manifest) -> None:
        self._target.put_manifest(image.repository, manifest.digest, manifest, image=image.image)

    def _put(self, image: Wanted, layout: Layout, manifests: Sequence[Manifest]) -> None:
        for manifest in manifests:
            self._target.put_manifest(image.repository, manifest.digest, manifest, image=image.image)
        listed: set[str] = set()
        for manifest in layout.referrers:
            answer = self._target.put_manifest(image.repository, manifest.digest, manifest, image=image.image)
            if answer.header("OCI-Subject"):
                listed.add(manifest.subject or "")
        for subject, entries in layout.lists.items():
            if subject not in listed:
                self._list_referrers(image, subject, entries)
        for tag, manifest in layout.tags.items():
            self._target.put_manifest(image.repository, tag, manifest, image=image.image)

    def _list_referrers(self, image: Wanted, subject: str, entries: list[dict[str, Any]]) -> None:
        """List referrers under the tag that stands in for the API, beside those the target lists already."""
        known = self._target.referrers(image.repository, subject)
        fresh = {str(entry["digest"]): entry for entry in entries}
        if set(fresh) - set(known):
            merged = referrers_list([*{**known, **fresh}.values()])
            self._target.put_manifest(image.repository, fallback_tag(subject), merged, image=image.image)

    # --- tags and proof --------------------------------------------------------------------------------------------

    def tag(self, number: str, layouts: Mapping[str, Layout] | None = None) -> dict[str, WaybillError | None]:
        """Let the tag name each image: from its layout where one is given, else from the bytes the target itself holds.

        A tag that names its image already is left as it is.
        """
        known = layouts or {}
        return self._each(lambda image: self._tag(image, number, known.get(image.path)))

    def _tag(self, image: Wanted, number: str, layout: Layout | None) -> None:
        own = self._own(image)
        if layout is not None:
            held = layout.manifests[-1]
        else:
            tagged = self._tagged(image, number)
            if tagged is not None and matches(tagged.raw, image.digest):
                return
            held = self._target.manifest(image.repository, image.digest, image=own, digest=image.digest)
        self._target.put_manifest(image.repository, number, held, image=own)

    def verify(self, number: str) -> dict[str, WaybillError | None]:
        """Read every tag back and hold its bytes against the digest. Errors: digest_mismatch, image_not_found."""
        done: dict[str, WaybillError | None] = {}
        for image in self.images:
            then = partial(self._verified, image, _into(done, image.path))
            self._crew.submit("small", partial(self._read_back, image, number), then)
        self._crew.lead()
        self.close()
        return done

    def _read_back(self, image: Wanted, number: str) -> Manifest:
        own = self._own(image, number)
        return self._target.manifest(image.repository, number, image=own, digest=image.digest)

    def _verified(self, image: Wanted, follow: Follow, held: Manifest | None, error: Exception | None) -> None:
        if held is None:
            follow(None, error)
        else:
            self._all(self._children_of(held, image), follow)

    def _each(self, job: Callable[[Wanted], None]) -> dict[str, WaybillError | None]:
        done: dict[str, WaybillError | None] = {}
        for image in self.images:
            self._crew.submit("small", partial(job, image), _into(done, image.path))
        self._crew.lead()
        self.close()
        return done


def _target_scopes(target: Place, images: Iterable[Wanted]) -> set[str]:
    pushed = {image.repository for image in images}
    # To mount from a repository the token must allow reading it.
    near = {image.source_repository for image in images if image.source.endpoint == target.endpoint}
    return {push(repository) for repository in pushed} | {pull(repository) for repository in near - pushed}


def _into(found: dict[str, Any], path: str) -> Follow:
    """Keep a job's result, or its refusal, under the image's path; any other error goes up."""

    def follow(result: Any, error: Exception | None) -> None:
        if error is not None and not isinstance(error, WaybillError):
            raise error
        found[path] = error if error is not None else result

    return follow
