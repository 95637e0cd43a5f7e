"""What a look at the cluster means for each object: create it, change it, or leave it alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clusters.delivery.live import CLAIM, Live, generation_of, uid_of, version_of
from clusters.kube.protocol import Manifest
from clusters.manifests import Rendered
from clusters.models import AppliedObject

Action = Literal["create", "change", "keep"]


@dataclass(frozen=True)
class Sending:
    """One object and what is to be done with it; `live` is how it was last seen."""

    item: Rendered
    action: Action
    live: Manifest | None = None

    @property
    def id(self) -> str:
        """`Kind/name`."""
        return self.item.id


def is_unmoved(row: AppliedObject | None, live: Manifest) -> bool:
    """Whether a live object stands where the inventory left it.

    By generation for kinds that have one; a roll-out moves the resourceVersion of a workload. A claim has none and is
    moved by its binding; its uid alone counts, for nothing in it can be changed by a hand but its size.
    """
    if row is None or row.state != AppliedObject.State.APPLIED or row.uid != uid_of(live):
        return False
    if live["kind"] == CLAIM:
        return True
    generation = generation_of(live)
    return row.generation == generation if generation is not None else row.resource_version == version_of(live)


def decide(items: Iterable[Rendered], rows: Mapping[str, AppliedObject], live: Live) -> list[Sending]:
    """Say what is to be done with each object: only what is absent, other by hash, or moved is sent."""
    found = []
    for item in items:
        there = live.get(item.id)
        row = rows.get(item.id)
        if there is None:
            found.append(Sending(item, "create"))
        elif is_unmoved(row, there) and row is not None and row.hash == item.hash:
            found.append(Sending(item, "keep", there))
        else:
            found.append(Sending(item, "change", there))
    return found


def is_rolling(live: Manifest) -> bool:
    """Whether a roll-out of this workload is under way, so that its resourceVersion moves by itself."""
    status: dict[str, Any] = live.get("status") or {}
    generation = generation_of(live) or 0
    wanted = (live.get("spec") or {}).get("replicas", 1)
    counts = (status.get("replicas", 0), status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
    return int(status.get("observedGeneration", 0)) < generation or any(count != wanted for count in counts)


def preconditions(live: Manifest, *, workload: bool) -> dict[str, str]:
    """Give what an update insists on: the uid always, the resourceVersion unless a roll-out moves it."""
    found = {"uid": uid_of(live)}
    if not (workload and is_rolling(live)):
        found["resource_version"] = version_of(live)
    return found
