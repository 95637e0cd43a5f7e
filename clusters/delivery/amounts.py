"""What a delivery needs of an environment's quota: before, afterwards, and while old and new pods overlap.

Dry-run judges each object alone and a workload's pods not at all, so the sum is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from clusters import quantities
from clusters.delivery.live import CLAIM, WORKLOADS
from clusters.delivery.sending import Sending
from clusters.kube.protocol import Manifest
from clusters.manifests import names
from console.kit.errors import Rejected, WaybillError

if TYPE_CHECKING:
    from clusters.delivery.run import Run

RESOURCES = ("limits.cpu", "limits.memory", "requests.cpu", "requests.memory", "requests.storage", "pods")

Needs = dict[str, Fraction]


def quota(
    run: Run, quotas: Iterable[Manifest], sendings: Sequence[Sending], removals: Iterable[Manifest]
) -> tuple[dict[str, dict[str, str]], list[WaybillError]]:
    """Give before, after, during and hard of every limited resource, and the refusals for what would be exceeded.

    `quotas`: those of the namespace, of which the environment's own counts.
    """
    status: dict[str, Any] = next(
        (item.get("status") or {} for item in quotas if item["metadata"]["name"] == names.QUOTA), {}
    )
    hard: dict[str, str] = {name: text for name, text in (status.get("hard") or {}).items() if name in RESOURCES}
    if not hard:
        return {}, []
    after, peak = _change(run, sendings, removals)
    shown: dict[str, dict[str, str]] = {}
    refusals: list[WaybillError] = []
    for name, limit in sorted(hard.items()):
        used = quantities.parse(str((status.get("used") or {}).get(name, "0")))
        binary = quantities.is_binary(limit) or name.endswith(("memory", "storage"))
        ends, tops = max(used + after.get(name, Fraction(0)), Fraction(0)), used + peak.get(name, Fraction(0))

        def text(amount: Fraction, binary: bool = binary) -> str:
            return quantities.write(max(amount, Fraction(0)), binary=binary)

        shown[name] = {"before": text(used), "after": text(ends), "during": text(max(tops, ends)), "hard": limit}
        if max(tops, ends) > quantities.parse(limit) and max(tops, ends) > used:
            words = f"{name}: {text(max(tops, ends))} > {limit}"
            refusals.append(Rejected("quota_refused", object=f"ResourceQuota/{names.QUOTA}", words=words))
    return shown, refusals


def _change(run: Run, sendings: Sequence[Sending], removals: Iterable[Manifest]) -> tuple[Needs, Needs]:
    """Give what the end state adds to today's use, and what the worst moment in between adds.

    Components start level by level and removed ones go last; so the worst moment holds everything new, one pod more for
    each workload that rolls, and nothing removed yet.
    """
    after: Needs = {}
    peak: Needs = {}
    claims = {item["metadata"]["name"] for item in run.live.of_kind(CLAIM)}
    for sending in sendings:
        manifest, live = sending.item.manifest, sending.live
        if manifest["kind"] == CLAIM and live is None:
            for needs in (after, peak):
                _add(needs, _storage(manifest["spec"]))
        if manifest["kind"] not in WORKLOADS or sending.action == "keep":
            continue
        new, old = workload_needs(manifest), workload_needs(live) if live else {}
        grown = {name: max(new.get(name, Fraction(0)) - old.get(name, Fraction(0)), Fraction(0)) for name in new}
        _add(after, new)
        _add(after, old, -1)
        _add(peak, grown)
        if live is not None and _surges(manifest):
            _add(peak, pod_needs(manifest["spec"]["template"]["spec"]))
        for spec in _new_claims(manifest, claims):
            for needs in (after, peak):
                _add(needs, _storage(spec))
    for manifest in removals:
        if manifest["kind"] in WORKLOADS:
            _add(after, workload_needs(manifest), -1)
    return after, peak


def workload_needs(manifest: Manifest) -> Needs:
    """Give what all pods of a workload take."""
    count = int(manifest["spec"].get("replicas", 1))
    return {name: amount * count for name, amount in pod_needs(manifest["spec"]["template"]["spec"]).items()}


def pod_needs(spec: dict[str, Any]) -> Needs:
    """Give what one pod takes: the sums of its containers, and the pod itself."""
    found: Needs = {"pods": Fraction(1)}
    for container in spec["containers"]:
        for side, amounts in (container.get("resources") or {}).items():
            for what, amount in (amounts or {}).items():
                _add(found, {f"{side}.{what}": quantities.parse(str(amount))})
    return found


def _surges(manifest: Manifest) -> bool:
    strategy = manifest["spec"].get("strategy") or {}
    return manifest["kind"] == "Deployment" and strategy.get("type") != "Recreate" and manifest["spec"]["replicas"] > 0


def _new_claims(manifest: Manifest, there: set[str]) -> list[dict[str, Any]]:
    return [
        claim["spec"]
        for claim in manifest["spec"].get("volumeClaimTemplates", [])
        for ordinal in range(int(manifest["spec"].get("replicas", 1)))
        if f"{claim['metadata']['name']}-{manifest['metadata']['name']}-{ordinal}" not in there
    ]


def _storage(spec: dict[str, Any]) -> Needs:
    return {"requests.storage": quantities.parse(spec["resources"]["requests"]["storage"])}


def _add(needs: Needs, more: Needs, sign: int = 1) -> None:
    for name, amount in more.items():
        needs[name] = needs.get(name, Fraction(0)) + sign * amount


__all__ = ["pod_needs", "quota", "workload_needs"]
