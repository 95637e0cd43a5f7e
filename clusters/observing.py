"""From one look at a whole cluster to what is kept of each application. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clusters.health import ComponentHealth, Look, application_state, component_health
from clusters.health.causes import one_line
from clusters.health.times import seconds
from clusters.manifests import labels
from clusters.reaching import access_of
from clusters.spec.image import accepted_digests, image_text

EVENTS = 50
Object = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is known of one application before looking.

    `documents`: the revision that is deployed first, then any that is on its way: what both accept is no difference.
    `under_way`: one of them is being carried out right now.
    """

    id: str
    slug: str
    namespace: str
    stopped: bool
    documents: Sequence[Object]
    number: str | None = None
    under_way: bool = False

    @property
    def components(self) -> list[Object]:
        """The components as deployed, or as on their way the first time."""
        return list(self.documents[0].get("components", [])) if self.documents else []

    def accepted(self, key: str) -> frozenset[str]:
        """Every digest one of the documents accepts for a component."""
        found: frozenset[str] = frozenset()
        for document in self.documents:
            for component in document.get("components", []):
                if component["key"] == key:
                    found |= accepted_digests(component["image"])
        return found


@dataclass
class Seen:
    """One application's objects, by what they are."""

    workloads: dict[str, Object] = field(default_factory=dict)
    pods: dict[str, list[Object]] = field(default_factory=dict)
    services: list[Object] = field(default_factory=list)
    ingresses: list[Object] = field(default_factory=list)
    claims: list[Object] = field(default_factory=list)


def by_application(objects: Iterable[Object]) -> dict[str, Seen]:
    """Sort a cluster's objects into applications by the ownership label, and into components by name."""
    found: dict[str, Seen] = {}
    for item in objects:
        owner = labels.read(item, labels.APPLICATION)
        if not owner:
            continue
        seen, component = found.setdefault(owner, Seen()), labels.read(item, labels.NAME)
        if item["kind"] in ("Deployment", "StatefulSet"):
            seen.workloads[component] = item
        elif item["kind"] == "Pod":
            seen.pods.setdefault(component, []).append(item)
        elif item["kind"] == "Service":
            seen.services.append(item)
        elif item["kind"] == "Ingress":
            seen.ingresses.append(item)
        elif item["kind"] == "PersistentVolumeClaim":
            seen.claims.append(item)
    return found


def status_of(
    subject: Subject,
    seen: Seen,
    events: Sequence[Object],
    *,
    node_address: str | None,
    now: float,
    routes_seen: bool = True,
) -> Object:
    """Give the columns of an application's status; `now` is Unix seconds. Without `routes_seen` the console may not
    look at HTTP routes: they are told as they were sent."""
    healths: dict[str, ComponentHealth] = {}
    shown: list[Object] = []
    mine = _events_of(seen, events)
    for component in subject.components:
        key = component["key"]
        look = Look(seen.workloads.get(key), seen.pods.get(key, []), mine)
        health = component_health(look, accepted=subject.accepted(key), stopped=subject.stopped, now=now)
        if look.workload is None and not subject.stopped:
            health = _without_workload(health, subject)
        healths[key] = health
        shown.append(_component(component, health, subject.number))
    whole = application_state(healths, deployed=bool(subject.documents), stopped=subject.stopped)
    return {
        "state": whole.state,
        "cause_code": whole.cause,
        "cause_params": {"component": whole.component, "words": whole.words} if whole.cause else {},
        "components": shown,
        "access": access_of(
            subject.slug, subject.components, seen.services, seen.ingresses if routes_seen else None, node_address
        ),
        "volumes": sorted(map(_volume, seen.claims), key=lambda volume: volume["name"]),
        "events": [_event(event) for event in _latest(mine)],
        "digests_match": whole.digests_match,
    }


def _without_workload(health: ComponentHealth, subject: Subject) -> ComponentHealth:
    """A component that has not been sent yet is starting; one whose workload is gone has no pods."""
    if subject.under_way:
        return replace(health, state="starting", cause=None, words="")
    return replace(health, state="failed", cause="no_pods")


def _component(component: Object, health: ComponentHealth, number: str | None) -> Object:
    image = component["image"]
    name = f"{image['path']}:{number}" if number and "path" in image else image_text(image).partition("@")[0]
    return {
        "key": component["key"],
        "name": component.get("name", component["key"]),
        "kind": component.get("kind", "stateless"),
        "state": health.state,
        "ready": health.ready,
        "desired": health.desired,
        "image": name,
        "digest": health.digests[0] if health.digests else image.get("digest"),
        "digests_match": health.digests_match,
        "restarts": health.restarts,
        "cause": {"code": health.cause, "words": health.words} if health.cause else None,
    }


# --- Volumes and events ------------------------------------------------------------------------------------------


def _volume(claim: Object) -> Object:
    spec, status = claim.get("spec", {}), claim.get("status", {})
    return {
        "name": claim["metadata"]["name"],
        "component": labels.read(claim, labels.NAME),
        "phase": status.get("phase", "Pending"),
        "size": (status.get("capacity") or {}).get("storage")
        or ((spec.get("resources") or {}).get("requests") or {}).get("storage"),
        "storage_class": spec.get("storageClassName"),
    }


def _events_of(seen: Seen, events: Sequence[Object]) -> list[Object]:
    """Keep the events about this application's objects, and about the replica sets made from its workloads."""
    uids = {item["metadata"]["uid"] for item in [*seen.workloads.values(), *seen.claims]}
    uids |= {pod["metadata"]["uid"] for pods in seen.pods.values() for pod in pods}
    prefixes = tuple(f"{item['metadata']['name']}-" for item in seen.workloads.values())
    return [event for event in events if _about(event.get("involvedObject") or {}, uids, prefixes)]


def _about(involved: Object, uids: Collection[str], prefixes: tuple[str, ...]) -> bool:
    if involved.get("uid") in uids:
        return True
    return involved.get("kind") in ("ReplicaSet", "Pod") and str(involved.get("name", "")).startswith(prefixes)


def _latest(events: Iterable[Object]) -> list[Object]:
    """Give the newest 50, newest first, each (object, reason) once."""
    newest: dict[tuple[str, str], Object] = {}
    for event in sorted(events, key=_moment):
        involved = event.get("involvedObject") or {}
        newest[str(involved.get("uid") or involved.get("name")), str(event.get("reason"))] = event
    return sorted(newest.values(), key=_moment, reverse=True)[:EVENTS]


def _moment(event: Object) -> float:
    return seconds(_time(event)) or 0.0


def _time(event: Object) -> str | None:
    series: Mapping[str, Any] = event.get("series") or {}
    return event.get("lastTimestamp") or series.get("lastObservedTime") or event.get("eventTime")


def _event(event: Object) -> Object:
    involved = event.get("involvedObject") or {}
    return {
        "at": _time(event),
        "type": event.get("type", "Normal"),
        "reason": event.get("reason", ""),
        "object": f"{involved.get('kind', '')}/{involved.get('name', '')}",
        "words": one_line(event.get("message")),
        "count": event.get("count") or (event.get("series") or {}).get("count") or 1,
    }
