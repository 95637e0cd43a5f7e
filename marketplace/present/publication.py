"""How a publication is shown: what goes where, and how many bytes of it have arrived."""

from __future__ import annotations

from typing import Any

from console.kit import messages
from marketplace.models import Publication, PublicationImage


def publication_json(publication: Publication) -> dict[str, Any]:
    """A publication with its images, by path."""
    return {
        "number": publication.number,
        "state": publication.state,
        "template": publication.template_slug,
        "version": publication.version_number,
        "revision": publication.revision.number,
        "confirm_by_itself": publication.confirm_by_itself,
        "operation": publication.operation.name,
        "images": [image_json(image) for image in sorted(publication.images.all(), key=lambda one: one.path)],
    }


def image_json(image: PublicationImage) -> dict[str, Any]:
    """One image; `bytes_done` holds those that arrived, `bytes_there` those of them that never had to travel."""
    return {
        "path": image.path,
        "source": image.source,
        "digest": image.digest,
        "state": image.state,
        "bytes_total": image.bytes_total,
        "bytes_done": image.bytes_done,
        "bytes_there": image.bytes_there,
        "problem": _problem(image),
    }


def _problem(image: PublicationImage) -> dict[str, Any] | None:
    if image.code is None:
        return None
    return {
        "code": image.code,
        "params": image.params,
        "title": messages.title(image.code, image.params),
        "detail": messages.detail(image.code, image.params),
    }
