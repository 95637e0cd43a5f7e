"""Asking a cluster, without changing anything, what would happen: the part of a plan that only the cluster can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from clusters.delivery import amounts
from clusters.delivery.apply import look_again
from clusters.delivery.classes import class_warnings
from clusters.delivery.hands import conflict_edits, silent_edits
from clusters.delivery.live import CLAIM, WORKLOADS, is_ours, is_terminating, object_id, uid_of
from clusters.delivery.record import record_id
from clusters.delivery.run import Run
from clusters.delivery.sending import Sending, decide
from clusters.diff import HandEdit, immutable_changes, same_object
from clusters.kube.errors import Exists, FieldConflict, Outdated
from clusters.kube.protocol import Kube, Manifest
from clusters.manifests import Bundle, Rendered
from clusters.manifests.storage import claim_names
from console.kit.errors import Rejected, WaybillError

POD_SECURITY_WARNING = "would violate PodSecurity"


@dataclass
class Findings:
    """What the cluster said. `refusals` are in the order of the objects; the first one is what a run fails with."""

    sendings: list[Sending] = field(default_factory=list)
    removals: list[Manifest] = field(default_factory=list)
    hands: list[HandEdit] = field(default_factory=list)
    refusals: list[WaybillError] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    quota: dict[str, dict[str, str]] = field(default_factory=dict)
    claims_kept: list[str] = field(default_factory=list)
    claims_new: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Verdict:
    sending: Sending
    error: WaybillError | None = None
    warnings: tuple[str, ...] = ()


def examine(run: Run, bundle: Bundle, step: str) -> Findings:
    """Ask by dry run about every object that would be sent, and one Pod per workload among them; add the quota up.

    Uses the last look (`run.live`). Nothing is written. Raises Unreachable when the cluster does not answer.
    """
    kube = run.kube(step)
    found = Findings(removals=[live for live in superfluous(run, bundle.all()) if object_id(live) in run.rows])
    decided = decide(bundle.all(), run.rows, run.live)
    heard = _hear(run, kube, decided, step)
    for sending in decided:
        verdict = heard.verdicts.get(sending.id)
        found.sendings.append(verdict.sending if verdict else sending)
        if verdict is not None:
            _note(run, found, verdict)
    found.warnings += heard.warnings
    _pods(found, heard.pods)
    _claims(run, heard.claims, found)
    found.quota, over = amounts.quota(run, heard.quotas, found.sendings, found.removals)
    found.refusals += over
    return found


@dataclass
class _Heard:
    """What the cluster answered, before anything is made of it."""

    verdicts: dict[str, _Verdict] = field(default_factory=dict)
    pods: dict[str, WaybillError] = field(default_factory=dict)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    claims: list[Manifest] = field(default_factory=list)
    quotas: list[Manifest] = field(default_factory=list)


def _hear(run: Run, kube: Kube, decided: Sequence[Sending], step: str) -> _Heard:
    """Ask everything side by side: no question needs the answer of another, and a distant cluster costs one wait."""
    heard = _Heard()

    def ask(sending: Sending) -> None:
        heard.verdicts[sending.id] = _ask(run, kube, sending)

    def ask_pod(sending: Sending) -> None:
        refusal = _ask_pod(kube, sending)
        if refusal is not None:
            heard.pods[sending.id] = refusal

    def list_quotas() -> None:
        heard.quotas = kube.list("ResourceQuota", run.namespace).items

    def list_claims() -> None:
        heard.claims = kube.list(CLAIM, run.namespace).items

    def look_for_classes() -> None:
        heard.warnings = class_warnings(run, decided, step)

    open_ones = [sending for sending in decided if sending.action != "keep"]
    questions: list[Callable[[], None]] = [list_quotas, look_for_classes]
    questions += [list_claims] if _wanted_claims(run) else []
    questions += [partial(ask, sending) for sending in open_ones]
    questions += [partial(ask_pod, sending) for sending in open_ones if sending.item.kind in WORKLOADS]
    run.work.parallel(lambda question: question(), questions, width=kube.window)
    return heard


def _wanted_claims(run: Run) -> list[str]:
    """Give the names of the claims that the application needs."""
    return [name for component in run.components for name in claim_names(run.application.slug, component)]


def superfluous(run: Run, wanted: Iterable[Rendered]) -> Iterable[Manifest]:
    """Give the live objects of the application that a new state no longer has: never claims, never the record."""
    names = {item.id for item in wanted} | {record_id(run)}
    return (
        manifest
        for name, manifest in run.live.objects.items()
        if name not in names and manifest["kind"] != CLAIM and not is_terminating(manifest)
    )


def _ask(run: Run, kube: Kube, sending: Sending) -> _Verdict:
    """Dry-run one object. An answer that differs in nothing from what is there means: keep."""
    item, live = sending.item, sending.live
    if live is not None and is_terminating(live):
        return _Verdict(Sending(item, "create"))
    try:
        answer = kube.apply(
            item.manifest, run.manager, create_only=live is None, uid=uid_of(live) if live else None, dry_run=True
        )
    except (Exists, Outdated) as error:
        try:
            fresh = look_again(run, kube, item, error)
        except Rejected as taken:
            return _Verdict(sending, taken)
        if sending.live is None or fresh is None or uid_of(fresh) != uid_of(sending.live):
            return _ask(run, kube, Sending(item, "change" if fresh else "create", fresh))
        return _Verdict(sending, error)
    except WaybillError as error:
        if error.retryable:
            raise
        return _Verdict(sending, error)
    if live is not None and same_object(answer.object, live):
        return _Verdict(Sending(item, "keep", live), warnings=answer.warnings)
    return _Verdict(sending, warnings=answer.warnings)


def _note(run: Run, found: Findings, verdict: _Verdict) -> None:
    if isinstance(verdict.error, FieldConflict):
        found.hands += conflict_edits(verdict.sending, verdict.error)
    elif verdict.error is not None:
        found.refusals.append(_named(verdict))
    known = {edit.item for edit in found.hands}
    found.hands += [edit for edit in silent_edits(run, verdict.sending) if edit.item not in known]
    for words in verdict.warnings:
        if POD_SECURITY_WARNING in words:
            refusal = Rejected("policy_refused", object=verdict.sending.id, words=words[:300])
            found.refusals.append(refusal)
        else:
            found.warnings.append(
                {"code": "cluster_warned", "params": {"object": verdict.sending.id, "words": words[:300]}}
            )


def _named(verdict: _Verdict) -> WaybillError:
    """Name the frozen field where the server only says `spec`, as it does for a StatefulSet."""
    error, sending = verdict.error, verdict.sending
    assert error is not None
    if error.code != "immutable_field" or sending.live is None:
        return error
    fields = immutable_changes(sending.item.manifest, sending.live)
    return Rejected("immutable_field", object=sending.id, field=", ".join(fields) or error.params["field"])


def _ask_pod(kube: Kube, sending: Sending) -> WaybillError | None:
    """Ask about one Pod of a workload that would be sent: only pods meet Pod Security, limits and webhooks."""
    try:
        kube.create(pod_of(sending.item.manifest), dry_run=True)
    except WaybillError as error:
        if error.retryable:
            raise
        return _about(error, sending)
    return None


def _pods(found: Findings, refused: Mapping[str, WaybillError]) -> None:
    """Add what was said of pods: of workloads that are sent after all, and nothing twice."""
    errors = [refused[s.id] for s in found.sendings if s.action != "keep" and s.id in refused]
    known = {(error.code, error.params.get("object")) for error in found.refusals}
    found.refusals += [error for error in errors if (error.code, error.params.get("object")) not in known]


def _about(error: WaybillError, sending: Sending) -> WaybillError | None:
    """Say a pod's refusal of its workload. One pod more than the quota takes is for the sum to judge: a pod that
    replaces another needs no room of its own."""
    if error.code == "quota_refused" and sending.live is not None:
        return None
    if "object" in error.params:
        return Rejected(error.code, **{**error.params, "object": sending.id})
    return error


def pod_of(workload: Manifest) -> Manifest:
    """Give the Pod a workload would make, with its claims named as its first pod's are."""
    template, metadata = workload["spec"]["template"], workload["metadata"]
    name = metadata["name"]
    spec = dict(template["spec"])
    claims = [
        {
            "name": claim["metadata"]["name"],
            "persistentVolumeClaim": {"claimName": f"{claim['metadata']['name']}-{name}-0"},
        }
        for claim in workload["spec"].get("volumeClaimTemplates", [])
    ]
    if claims:
        spec["volumes"] = [*spec.get("volumes", []), *claims]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{name}-",
            "namespace": metadata["namespace"],
            "labels": template["metadata"]["labels"],
        },
        "spec": spec,
    }


def _claims(run: Run, claims: Sequence[Manifest], found: Findings) -> None:
    """Find claims of a former life under the names this application needs: their data is never taken over unasked."""
    wanted = _wanted_claims(run)
    if not wanted:
        return
    there = {item["metadata"]["name"]: item for item in claims}
    for name in wanted:
        live = there.get(name)
        if live is None:
            found.claims_new.append(name)
        elif is_ours(live, run.application_id):
            found.claims_kept.append(name)
        else:
            found.refusals = [error for error in found.refusals if error.params.get("object") != f"{CLAIM}/{name}"]
            since = live["metadata"].get("creationTimestamp")
            found.refusals.append(Rejected("volume_left_behind", claim=name, since=since))
    taken = {name for name, item in there.items() if is_ours(item, run.application_id)}
    found.claims_kept += sorted(taken - set(found.claims_kept) - set(found.claims_new))


def forced_ids(hands: Sequence[HandEdit]) -> list[str]:
    """Give the objects with fields in other hands."""
    return sorted({edit.object for edit in hands})


__all__ = ["Findings", "examine", "forced_ids", "pod_of", "superfluous"]
