"""The document of a version: taken from what was deployed, never from the draft. Pure.

What belongs to one environment stays behind: pull references, accounts, pinned ports, fingerprints. A secret is either
generated where it is installed, or a parameter that must be given there; its value is in no document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from clusters.spec import check_application
from clusters.spec.shape import Component, Image
from clusters.values import Parameter, check_parameters, portable
from console.kit.canonical import digest
from console.kit.errors import FieldError, Invalid
from marketplace.registry.reference import component_path

SCHEMA = 1


@dataclass(frozen=True)
class Choice:
    """What a publisher chose, checked against what was deployed: the components, and the parameters installers see."""

    components: tuple[Component, ...]
    parameters: tuple[Parameter, ...]

    @property
    def keys(self) -> list[str]:
        """The keys of the components, in order."""
        return [component["key"] for component in self.components]


@dataclass(frozen=True)
class Origin:
    """Where a version comes from."""

    environment: str
    app: str
    revision: int
    document_hash: str


def choose(deployed: Sequence[Component], keys: Sequence[str] | None, parameters: Any) -> Choice:
    """Take some components of a deployed document (all when `keys` is None), with the parameters declared on them.

    Raises Invalid `invalid`: unknown_component and duplicate at `/components/{i}`, required when none is left; what
    these components alone do not hold together (a dependency left out); faults of parameters at `/parameters/…`.
    """
    known = {component["key"]: component for component in deployed}
    wanted = list(known) if keys is None else list(keys)
    faults = [
        FieldError(f"/components/{index}", "unknown_component", {"component": key})
        if key not in known
        else FieldError(f"/components/{index}", "duplicate", {"value": key})
        for index, key in enumerate(wanted)
        if key not in known or key in wanted[:index]
    ]
    if not wanted:
        faults.append(FieldError("/components", "required"))
    if faults:
        raise Invalid("invalid", errors=faults)
    taken = [portable(component) for key, component in known.items() if key in wanted]
    check_application(taken)
    return Choice(tuple(taken), tuple(check_parameters(parameters, taken)))


def document(template: str, number: str, origin: Origin, choice: Choice) -> dict[str, Any]:
    """Make the version's document."""
    return {
        "schema": SCHEMA,
        "template": template,
        "number": number,
        "origin": {
            "environment": origin.environment,
            "app": origin.app,
            "revision": origin.revision,
            "document_hash": origin.document_hash,
        },
        "components": [_published(template, component) for component in choice.components],
        "parameters": [dict(parameter) for parameter in choice.parameters],
    }


def _published(template: str, component: Component) -> dict[str, Any]:
    image = component["image"]
    published: Image = {
        "source": image["source"],
        "path": component_path(template, component["key"]),
        "digest": image["digest"],
        "media_type": image["media_type"],
        "bytes": image["bytes"],
        "platforms": image["platforms"],
    }
    return {**cast(dict[str, Any], component), "image": published}


def content_hash(made: dict[str, Any]) -> str:
    """The hash of a version's document: the same content, the same hash, in whichever registry it lies."""
    return digest(made)


def total_bytes(made: dict[str, Any]) -> int:
    """The bytes of all images of a document, each digest once."""
    images = {component["image"]["digest"]: component["image"]["bytes"] for component in made["components"]}
    return sum(images.values())
