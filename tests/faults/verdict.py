"""What is wrong with a console, its clusters and its registry once everything has ended: a list of findings.

`python -m tests.faults.verdict`, with the console's own environment; reads `{"state": folder, "login": …, "wishes":
[[key, operation, kind, app], …]}` and prints the findings as JSON. Rows, clusters, audit logs and registry are each
read by themselves and held against each other; nothing that the console says of itself is believed.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

Json = dict[str, Any]
DELIVERIES = ("deploy", "install", "upgrade", "rollback", "uninstall")
KINDS = (*DELIVERIES, "publish")


def main() -> None:
    """Judge, and print."""
    django.setup()
    asked = json.load(sys.stdin)
    print(json.dumps(sorted(findings(**asked)), ensure_ascii=False))


def findings(state: str, login: str, wishes: list[list[str]]) -> Iterator[str]:
    """Give everything that is not as it must be."""
    from deploy.local.platform import Platform

    platform = Platform.attach(state)
    yield from of_wishes(login, wishes)
    yield from of_operations(login)
    yield from of_revisions()
    for slug, cluster in platform.clusters.items():
        yield from of_cluster(slug, cluster)
        yield from of_writes(slug, cluster.state / cluster.slug)
    yield from of_versions(platform.registry)


# --- Rows ------------------------------------------------------------------------------------------------------------


def of_wishes(login: str, wishes: list[list[str]]) -> Iterator[str]:
    """Each wish is one operation, and each operation one wish: nothing lost, nothing done twice."""
    from operations.models import IdempotencyKey, Operation

    rows = Operation.objects.filter(initiator__login=login, kind__in=KINDS, parent=None)
    there = Counter(row.name for row in rows)
    wished = Counter(name for _, name, _, _ in wishes)
    for name, times in wished.items():
        if times > 1:
            yield f"{name} was given to {times} wishes"
    yield from (f"{name} was accepted and is lost" for name in wished.keys() - there.keys())
    yield from (f"{name} runs and nobody was told of it" for name in there.keys() - wished.keys())
    keys = dict(IdempotencyKey.objects.filter(user__login=login).values_list("key", "operation__number"))
    for key, name, kind, _ in wishes:
        if key and f"op-{keys.get(key)}" != name:
            yield f"{kind}: the key of {name} belongs to op-{keys.get(key)}"


def of_operations(login: str) -> Iterator[str]:
    """Each has ended well, once, with every step done."""
    from operations.models import Operation

    for row in Operation.objects.filter(initiator__login=login).prefetch_related("steps", "events"):
        if row.state != "succeeded":
            yield f"{row.name} ({row.kind}) is {row.state}: {row.outcome_code} {row.outcome_params}"
            continue
        said = Counter(event.code for event in row.events.all())
        ends = sum(times for code, times in said.items() if code.startswith("operation_"))
        if ends != 1 or said["started"] != 1:
            yield f"{row.name} ({row.kind}) began {said['started']} times and ended {ends} times"
        undone = [step.key for step in row.steps.all() if step.state not in {"done", "warning", "skipped"}]
        if undone:
            yield f"{row.name} ({row.kind}) succeeded without {undone}"


def of_revisions() -> Iterator[str]:
    """One for each delivery, numbered without a gap, none pending, and the newest one stands."""
    from clusters.models import Application
    from operations.models import Operation

    for row in Operation.objects.filter(kind__in=DELIVERIES, parent=None, is_batch=False):
        if not hasattr(row, "revision"):
            yield f"{row.name} ({row.kind}) has no revision"
    for app in Application.objects.all():
        revisions = list(app.revisions.order_by("number"))
        numbers = [revision.number for revision in revisions]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{app.slug} has revisions {numbers}"
        states = Counter(revision.state for revision in revisions)
        gone = app.removed_at is not None
        if states["pending"] or states["failed"] or (not gone and states["deployed"] != 1):
            yield f"{app.slug}: its revisions are {dict(states)}"
        if not gone and (not app.current_revision or app.current_revision.number != numbers[-1]):
            yield f"{app.slug}: {app.current_revision} stands, and {numbers[-1:]} is the newest"


# --- Clusters --------------------------------------------------------------------------------------------------------


def of_cluster(slug: str, cluster: Any) -> Iterator[str]:
    """What lives is what the newest revision says, by uid what is recorded, and nothing else of ours is there."""
    from clusters.models import Environment
    from tests.clusters.delivery.house import House
    from tests.clusters.delivery.living import everything

    for environment in Environment.objects.filter(cluster__slug=slug).select_related("team", "cluster", "enterprise"):
        house = House(environment.enterprise, environment.team, None, environment.cluster, environment, cluster)  # type: ignore[arg-type]
        yield from of_environment(environment, everything(house))


def of_environment(environment: Any, live: dict[str, Json]) -> Iterator[str]:
    """Hold the applications of one environment against what lives in its namespace."""
    from clusters.manifests import labels
    from clusters.models import Application

    owners: dict[str, dict[str, Json]] = defaultdict(dict)
    for name, item in live.items():
        owner = (item["metadata"].get("labels") or {}).get(labels.APPLICATION)
        if owner:
            owners[owner][name] = item
    for app in Application.objects.filter(environment=environment):
        own = owners.pop(str(app.pk), {})
        claims = {name for name in own if name.startswith("PersistentVolumeClaim/")}
        if app.removed_at is None:
            yield from of_application(app, own, claims)
        else:
            left = set(own) - claims
            yield from (f"{app.slug} is uninstalled, and {name} is left" for name in sorted(left))
    yield from (f"{name} belongs to no application" for own in owners.values() for name in own)


def of_application(app: Any, own: dict[str, Json], claims: set[str]) -> Iterator[str]:
    """Hold one application's objects against its revision and its inventory."""
    from clusters.manifests import restored
    from clusters.models import AppliedObject

    wanted = {item.id: item.manifest for item in restored(app.current_revision.content()["manifests"]).all()}
    record = f"ConfigMap/waybill-{app.slug}"
    yield from (f"{app.slug}: {name} is missing" for name in sorted(wanted.keys() - own.keys()))
    extra = own.keys() - wanted.keys() - claims - {record}
    yield from (f"{app.slug}: {name} is there and in no revision" for name in sorted(extra))
    for name in sorted(wanted.keys() & own.keys()):
        typed = {key: wanted[name][key] for key in ("apiVersion", "kind")}  # which the items of a list do not say
        yield from (f"{app.slug}: {name} {where}" for where in unlike(wanted[name], typed | own[name]))
    rows = {f"{row.kind}/{row.name}": row.uid for row in AppliedObject.objects.filter(application=app)}
    uids = {name: item["metadata"]["uid"] for name, item in own.items() if name not in claims or name in rows}
    if rows != uids:
        different = sorted(name for name in rows.keys() | uids.keys() if rows.get(name) != uids.get(name))
        yield f"{app.slug}: recorded and live are not the same objects: {different}"


def unlike(wanted: Any, live: Any, where: str = "") -> Iterator[str]:
    """Give every place where what was sent is not what lives; a cluster may add fields and none of ours may go."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key, value in wanted.items():
            if key not in live and value not in ({}, [], None, "", 0):  # empty ones are not kept
                yield f"{where}.{key} is missing"
            elif key in live:
                yield from unlike(value, live[key], f"{where}.{key}")
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for number, (one, other) in enumerate(zip(wanted, live, strict=True)):
            yield from unlike(one, other, f"{where}[{number}]")
    elif wanted != live:
        yield f"{where} is {live!r}, not {wanted!r}"


# --- Audit logs ------------------------------------------------------------------------------------------------------


def of_writes(slug: str, folder: Path) -> Iterator[str]:
    """No object is created twice by one operation, and nobody writes any more once the next owner has begun to."""
    created: Counter[tuple[str, str]] = Counter()
    newest: dict[str, int] = defaultdict(int)
    for entry in sorted(writes(folder), key=lambda entry: entry["stageTimestamp"]):
        words = entry["userAgent"].split()
        operation, epoch = words[1], int(words[2].removeprefix("epoch/"))
        what = entry.get("objectRef", {})
        name = f"{what.get('namespace')}/{what.get('resource')}/{what.get('name')}"
        if epoch < newest[operation]:
            yield f"{slug}: {operation} wrote {name} as epoch {epoch} after epoch {newest[operation]} had begun"
        newest[operation] = max(newest[operation], epoch)
        if entry["responseStatus"]["code"] == 201 and what.get("namespace") and "subresource" not in what:
            created[operation, name] += 1
    yield from (f"{slug}: {one} created {name} {times} times" for (one, name), times in created.items() if times > 1)


def writes(folder: Path) -> Iterator[Json]:
    """The writes of operations in an application's namespace that a cluster carried out."""
    for path in [*folder.glob("audit-*.log"), folder / "audit.log"]:
        for line in path.read_text("utf-8", "replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # half a line: the API server was killed while it wrote
            words = entry.get("userAgent", "").split()
            is_ours = words[:1] == ["waybill"] and len(words) > 2 and words[1].startswith("op-")
            carried_out = entry.get("responseStatus", {}).get("code", 999) < 300
            writes = entry.get("verb") in {"create", "update", "patch", "delete"}
            if is_ours and writes and carried_out and "dryRun" not in entry.get("requestURI", ""):
                yield entry


# --- The registry ----------------------------------------------------------------------------------------------------


def of_versions(facts: Any) -> Iterator[str]:
    """Every publication is published, and every image of every version is there whole."""
    from clusters.spec import pull_reference
    from deploy.local.registry import Registry
    from marketplace.models import Publication, Version

    for row in Publication.objects.exclude(state="published"):
        yield f"the publication of {row.template_slug} {row.version_number} is {row.state}"
    registry = Registry.of(facts)
    seen: set[str] = set()
    for version in Version.objects.select_related("template", "registry"):
        name = f"{version.template.slug} {version.number}"
        if version.state != "published":
            yield f"{name} is {version.state}"
            continue
        for part in (version.document or {})["components"]:
            pull = pull_reference(part["image"], version.registry.location)
            if pull not in seen:
                seen.add(pull)
                repository, _, digest = pull.removeprefix(f"{facts.address}/").partition("@")
                yield from (f"{name}: {part['key']}: {what}" for what in holes(registry, repository, digest))


def holes(registry: Any, repository: str, digest: str) -> Iterator[str]:
    """Give what of an image is not in the registry, manifest by manifest and blob by blob."""
    from deploy.local.plan import PlatformError
    from deploy.local.registry import sha256

    try:
        content = registry.manifest(repository, digest).body
    except PlatformError as error:
        yield f"{error}"
        return
    if sha256(content) != digest:
        yield f"{digest} names other bytes"
    said = json.loads(content)
    for inner in said.get("manifests", []):
        yield from holes(registry, repository, inner["digest"])
    for blob in [*said.get("layers", []), *([said["config"]] if "config" in said else [])]:
        if not registry.has(repository, blob["digest"]):
            yield f"the blob {blob['digest']} is not there"


if __name__ == "__main__":
    main()
