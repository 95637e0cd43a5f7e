"""What a component is: its shape, its checks, and what follows from several of them together.

- `shape`: the normalised documents as TypedDicts (`Component`, `Port`, …). They are plain JSON.
- `component.check_component(data, form=…)`: validate and normalise one component, all errors at once.
- `application.check_application(components)`: what only the whole can tell (cycles, conflicts, unknown variables).
- `application.levels(components)`: the keys by level along `depends_on`; `application.injected(…)`: connection info.
- `image`: image references as typed, and the reference a pod pulls.
- `text`: `${NAME}` in files, `$(` in values.
"""

from __future__ import annotations

from clusters.spec.application import Injected, by_key, check_application, check_references, injected, levels
from clusters.spec.component import DraftSecrets, check_component, draft_secrets
from clusters.spec.image import image_text, parse_reference, pull_reference
from clusters.spec.shape import Component, File, Image, Port, Probe, Replicas, Resources, RunAs, Variable, Volume

__all__ = [
    "Component",
    "DraftSecrets",
    "File",
    "Image",
    "Injected",
    "Port",
    "Probe",
    "Replicas",
    "Resources",
    "RunAs",
    "Variable",
    "Volume",
    "by_key",
    "check_application",
    "check_component",
    "check_references",
    "draft_secrets",
    "image_text",
    "injected",
    "levels",
    "parse_reference",
    "pull_reference",
]
