"""Previews and plans: what an operation will do, as a document. Pure.

- `preview(PreviewFacts(...)) -> dict`: from rows alone; components, values, gate, quota, images, volumes, and what
  would be refused. A page draws it at once.
- `complete(preview, ClusterPart(...), ...) -> dict`: the same document with the cluster's part, as a finished plan.
- `rows_fingerprint(...)`: what a plan stands on of the rows; kept in the plan as `rows`;
  `fingerprint(rows, cluster)` covers both.

Quotas here are sums over documents; where the cluster's own quota was asked, `ClusterPart.quota` takes their place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypedDict

from clusters import quantities
from clusters.diff.components import component_changes
from clusters.manifests.storage import claim_names
from clusters.routing import routes_of, url_of
from clusters.spec.application import by_key
from clusters.spec.component import is_single_writer
from clusters.spec.shape import Component
from clusters.values.settle import Settled
from console.kit.canonical import digest

SCHEMA = 1
QUOTA_WORDS = {"cpu": "limits.cpu", "memory": "limits.memory", "storage": "requests.storage", "pods": "pods"}
OVERWRITE = "overwrite_changes"

Notice = dict[str, Any]
"""`{"code", "params"}`: a refusal or a warning."""

Amounts = dict[str, Fraction]


class QuotaRow(TypedDict):
    """One resource: now, afterwards, while old and new pods overlap, and the limit."""

    before: str
    after: str
    during: str
    hard: str | None


@dataclass(frozen=True)
class Side:
    """One end of the change; `version` and `mark` are None for an application made by hand."""

    revision: int | None = None
    version: str | None = None
    mark: str | None = None
    marked_by: str | None = None
    marked_at: str | None = None


@dataclass(frozen=True)
class PreviewFacts:
    """What a preview is made from.

    `old` and `new` are components with values applied; `template` the new version's before values. `hard` and `used`
    are the environment's quota by Kubernetes' names (`limits.cpu`, …), `used` None when it was never seen.
    `images_there` are digests whose image the cluster already runs, `claims_there` names of claims that exist.
    `refusals` and `warnings` are the caller's own findings.
    """

    kind: str
    environment: str
    app: str
    accepts: str
    old: Sequence[Component]
    new: Sequence[Component]
    former: Side | None = None
    to: Side = field(default_factory=Side)
    allowed: bool = True
    template: Sequence[Component] | None = None
    settled: Settled | None = None
    stopped: bool = False
    hard: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[str, str] | None = None
    images_there: Collection[str] = ()
    claims_there: Collection[str] = ()
    refusals: Sequence[Notice] = ()
    warnings: Sequence[Notice] = ()


@dataclass(frozen=True)
class ClusterPart:
    """What only the cluster could tell.

    `objects` is `[{"kind", "name", "action"}]`, `by_hand` as a plan shows hand edits, `basis` what the objects were
    judged on. `quota`, `claims_create` and `claims_keep` replace the preview's where given.
    """

    cluster: str
    objects: Sequence[Mapping[str, str]]
    by_hand: Sequence[Mapping[str, Any]] = ()
    refusals: Sequence[Notice] = ()
    warnings: Sequence[Notice] = ()
    quota: Mapping[str, Mapping[str, Any]] | None = None
    claims_create: Sequence[str] | None = None
    claims_keep: Sequence[str] | None = None
    basis: Sequence[Any] = ()


def preview(facts: PreviewFacts) -> dict[str, Any]:
    """Make the document of a preview. What is in the way stands in `refusals`; nothing is raised."""
    settled = facts.settled
    quota, exceeded = quota_sums(facts)
    missing = [_notice("value_missing", address=address) for address in (settled.missing if settled else ())]
    return {
        "schema": SCHEMA,
        "kind": facts.kind,
        "environment": facts.environment,
        "app": facts.app,
        "from": _side(facts.former),
        "to": _side(facts.to),
        "gate": {"accepts": facts.accepts, "allowed": facts.allowed},
        "components": component_changes(
            facts.old,
            facts.new,
            template=facts.template,
            values=settled.values if settled else None,
            kept=settled.kept if settled else (),
            reset=settled.reset if settled else (),
        ),
        "values": {
            name: list(getattr(settled, name)) if settled else []
            for name in ("kept", "dropped", "generated", "missing")
        },
        "images": _images(facts),
        "volumes": _volumes(facts),
        "routes": [
            {"component": own.component, "port": own.port, "url": url_of(own.route)} for own in routes_of(facts.new)
        ],
        "quota": quota,
        "warnings": list(facts.warnings),
        "refusals": [*facts.refusals, *missing, *exceeded],
    }


def complete(
    document: Mapping[str, Any],
    part: ClusterPart,
    *,
    rows: str,
    at: str,
    took_ms: int,
    valid_until: str,
) -> dict[str, Any]:
    """Make a preview a plan by adding the cluster's part; times are RFC 3339 texts."""
    names = ("create", "change", "replace", "remove", "keep")
    counts = {name: sum(item["action"] == name for item in part.objects) for name in names}
    volumes = dict(document["volumes"])
    if part.claims_create is not None:
        volumes["create"] = list(part.claims_create)
    if part.claims_keep is not None:
        volumes["keep"] = list(part.claims_keep)
    # The sums over documents gave way to the cluster's own quota: so do the refusals made from them.
    refusals = [item for item in document["refusals"] if part.quota is None or item["code"] != "quota_exceeded"]
    return {
        **document,
        "objects": {**counts, "list": [dict(item) for item in part.objects]},
        "volumes": volumes,
        "quota": dict(document["quota"] if part.quota is None else part.quota),
        "changed_by_hand": [dict(item) for item in part.by_hand],
        "warnings": [*document["warnings"], *part.warnings],
        "refusals": [*refusals, *part.refusals],
        "consents": consents(part.by_hand),
        "checked": {"cluster": part.cluster, "at": at, "took_ms": took_ms},
        "rows": rows,
        "fingerprint": fingerprint(rows, part.basis),
        "valid_until": valid_until,
    }


def consents(by_hand: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give what a person must agree to, each with its items."""
    if not by_hand:
        return []
    return [{"consent": OVERWRITE, "items": [f"{edit['object']}:{edit['field']}" for edit in by_hand]}]


def rows_fingerprint(
    *,
    revision: int | None,
    draft: str | None,
    version: str | None,
    mark: str | None,
    values: Mapping[str, Any],
    accepts: str,
    quota: Mapping[str, Any] | None,
    cluster_uid: str,
    routes: Sequence[Any] = (),
) -> str:
    """Hash everything a plan stands on that lies in rows: when it moves, the plan is stale.

    `draft` is the hash of an application's draft, `revision` the number of its current one, `routes` where its HTTP
    routes answer. Values that were generated
    for the plan enter by their origin alone: the run generates its own.
    """
    stable = {
        address: {"origin": "generated"} if value.get("origin") == "generated" else dict(value)
        for address, value in values.items()
    }
    return digest(
        {
            "revision": revision,
            "draft": draft,
            "version": version,
            "mark": mark,
            "values": stable,
            "accepts": accepts,
            "quota": None if quota is None else {name: str(amount) for name, amount in quota.items()},
            "cluster": cluster_uid,
            "routes": list(routes),
        }
    )


def fingerprint(rows: str, cluster: Sequence[Any]) -> str:
    """Hash what a plan stands on, rows and cluster."""
    return digest({"rows": rows, "cluster": list(cluster)})


def quota_sums(facts: PreviewFacts) -> tuple[dict[str, QuotaRow], list[Notice]]:
    """Add up what the change takes of the quota, and refuse what does not fit.

    Pods overlap while a Deployment rolls: for each that changes one more pod of its new size runs for a while, and what
    is removed goes last. Volume claims are never given back.
    """
    before, after, peak = _amounts(facts)
    rows: dict[str, QuotaRow] = {}
    refusals: list[Notice] = []
    for name in QUOTA_WORDS.values():
        hard = facts.hard.get(name)
        used = before[name] if facts.used is None else quantities.parse(str(facts.used.get(name, "0")))
        ends, tops = used - before[name] + after[name], used - before[name] + peak[name]
        tops = max(tops, ends)
        binary = name.endswith(("memory", "storage"))
        texts = [quantities.write(max(amount, Fraction(0)), binary=binary) for amount in (used, ends, tops)]
        rows[name] = QuotaRow(before=texts[0], after=texts[1], during=texts[2], hard=hard)
        if hard is not None and tops > quantities.parse(hard) and tops > used:
            left = max(quantities.parse(hard) - used, Fraction(0))
            need = quantities.write(tops - used, binary=binary)
            refusals.append(
                _notice(
                    "quota_exceeded", resource=name, need=need, left=quantities.write(left, binary=binary), hard=hard
                )
            )
    return rows, refusals


def _amounts(facts: PreviewFacts) -> tuple[Amounts, Amounts, Amounts]:
    """What the application takes before, afterwards, and at the worst moment in between."""
    before, after, peak = (dict.fromkeys(QUOTA_WORDS.values(), Fraction(0)) for _ in range(3))
    old, new = by_key(facts.old), by_key(facts.new)
    for key in [*new, *(key for key in old if key not in new)]:
        left, right = _takes(old.get(key), facts.stopped), _takes(new.get(key), facts.stopped)
        surge = _surge(old.get(key), new.get(key)) if not facts.stopped else {}
        for name in QUOTA_WORDS.values():
            # A claim outlives the component it was made for.
            ends = max(left[name], right[name]) if name == "requests.storage" else right[name]
            before[name] += left[name]
            after[name] += ends
            peak[name] += max(left[name], ends) + surge.get(name, Fraction(0))
    return before, after, peak


def _takes(component: Component | None, stopped: bool) -> Amounts:
    taken = dict.fromkeys(QUOTA_WORDS.values(), Fraction(0))
    if component is None:
        return taken
    count = 0 if stopped else component["replicas"]["default"]
    for name, amount in _of_pod(component).items():
        taken[name] = amount * count
    claims = component["replicas"]["default"] if component["kind"] == "stateful" else 1
    sizes = (quantities.parse(volume["size"]) for volume in component["volumes"])
    taken["requests.storage"] = quantities.total(sizes) * claims
    return taken


def _of_pod(component: Component) -> Amounts:
    limits = component["resources"]["limits"]
    return {
        "limits.cpu": quantities.parse(limits["cpu"]),
        "limits.memory": quantities.parse(limits["memory"]),
        "pods": Fraction(1),
    }


def _surge(old: Component | None, new: Component | None) -> Amounts:
    if old is None or new is None or new["kind"] == "stateful" or is_single_writer(new) or old == new:
        return {}
    return _of_pod(new)


def _images(facts: PreviewFacts) -> dict[str, int]:
    """How many images, how many bytes at most, and how many of them the cluster runs already."""
    unique = {
        component["image"].get("digest", component["key"]): component["image"].get("bytes", 0)
        for component in facts.new
    }
    return {
        "count": len(unique),
        "bytes": sum(unique.values()),
        "here_already": sum(name in facts.images_there for name in unique),
    }


def _volumes(facts: PreviewFacts) -> dict[str, list[str]]:
    wanted = [name for component in facts.new for name in claim_names(facts.app, component)]
    there = set(facts.claims_there) | {name for component in facts.old for name in claim_names(facts.app, component)}
    return {"create": [name for name in wanted if name not in there], "keep": sorted(there)}


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    names = ("revision", "version", "mark", "marked_by", "marked_at")
    return {name: value for name in names if (value := getattr(side, name)) is not None}


def _notice(code: str, **params: Any) -> Notice:
    return {"code": code, "params": params}
