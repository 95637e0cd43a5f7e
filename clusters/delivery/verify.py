"""Reading back: which digests run, and, after a rollback, whether the cluster equals what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from clusters import images
from clusters.delivery.hands import shown
from clusters.delivery.live import CLAIM, applied_by, component_of, is_terminating, look
from clusters.delivery.record import is_record
from clusters.delivery.run import Run
from clusters.diff import Difference, additions, differences, same_object
from clusters.health.digests import digest_of
from clusters.kube.errors import Exists, Outdated
from clusters.manifests import Rendered, labels
from clusters.models import Application, Revision
from clusters.spec import Component
from clusters.spec.image import accepted_digests
from console.kit.errors import NotHealthy, WaybillError

if TYPE_CHECKING:
    from clusters.kube.protocol import Kube, Manifest
    from operations.engine.step import StepWork

DIFFERENCES = 20
"""So many differences are named."""
LOOKS = 5
"""So often an object is looked at that somebody else keeps writing to."""


def verify(run: Run, step: StepWork) -> None:
    """Compare the digests that run with the revision's; after a rollback also every field.

    Raises NotHealthy running_digest_differs or differs_after_rollback. A digest that nothing could tell about is a
    warning, never a success.
    """
    seen: dict[str, Any] = {"digests_match": None}
    if run.application.desired == Application.Desired.RUNNING:
        seen["digests_match"] = _digests(run, step)
    if run.revision.kind == Revision.Kind.ROLLBACK:
        seen |= _equality(run, step)
    step.conclude(**seen)
    if seen.get("differences"):
        raise NotHealthy("differs_after_rollback", fields=[item["field"] for item in seen["differences"]])


# --- Digests -----------------------------------------------------------------------------------------------------


def _digests(run: Run, step: StepWork) -> bool | None:
    pods = run.kube(step.key).list("Pod", run.namespace, selector=labels.of_application(run.application_id)).items
    known: bool | None = True
    by_key = {component["key"]: component for component in run.components}
    for pod in pods:
        component = by_key.get(component_of(pod) or "")
        if component is None or is_terminating(pod):
            continue
        verdict = _pod_matches(run, pod, component)
        if verdict is None:
            known = None
            step.warn("digest_unknown", component=component["key"])
    return known


def _pod_matches(run: Run, pod: Manifest, component: Component) -> bool | None:
    """Whether a pod runs the component's image: True, or None when that cannot be told. Raises NotHealthy."""
    image = component["image"]
    asked = pod["spec"]["containers"][0]["image"]
    expected = image["digest"] if "digest" in image else asked.rpartition("@")[2]
    if not asked.endswith(f"@{expected}"):
        raise NotHealthy(
            "running_digest_differs", component=component["key"], expected=expected, running=asked.rpartition("@")[2]
        )
    for status in pod.get("status", {}).get("containerStatuses") or []:
        running = digest_of(str(status.get("imageID") or ""))
        if not running:
            return None
        if running in accepted_digests(image):
            continue
        same_config = _same_config(run, str(status["imageID"]), component)
        if same_config is None:
            return None
        if not same_config:
            raise NotHealthy("running_digest_differs", component=component["key"], expected=expected, running=running)
    return True


def _same_config(run: Run, image_id: str, component: Component) -> bool | None:
    """Ask the registry the runtime names what it runs: the same config is the same image under another manifest."""
    reference = image_id.rpartition("//")[2]
    if "@" not in reference:
        return False
    try:
        found = images.resolve(
            reference,
            enterprise=run.environment.enterprise,
            user_agent=run.work.user_agent("verify"),
            pause=run.work.pause,
        )
    except WaybillError as error:
        # No such image there: it is another one. Nobody could tell: unknown, which is never shown as a match.
        return False if error.code == "image_not_found" else None
    return any(platform["config"] in accepted_digests(component["image"]) for platform in found.platforms)


# --- Equality ------------------------------------------------------------------------------------------------------


def _equality(run: Run, step: StepWork) -> dict[str, Any]:
    """Compare every recorded object with the live one, by the cluster's own dry run of applying it once more.

    Equal means equal in everything but managers' bookkeeping. What other hands added stays and is listed beside.
    """
    run.live = look(run.work, run.kube(step.key), run.namespace, run.application_id)
    kube = run.kube(step.key)
    items = list(run.bundle.all())
    compared = run.work.parallel(lambda item: _compare(run, kube, item), items, width=kube.window)
    differences = [difference for found in compared for difference in found]
    wanted = {item.id for item in items}
    for name, live in run.live.objects.items():
        if name not in wanted and _is_left_over(run, name, live):
            differences.append({"object": name, "field": name, "live": "…", "ours": None})
    claims = sorted(live["metadata"]["name"] for live in run.live.of_kind(CLAIM))
    return {
        "checked_at": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "equal": not differences,
        "differences": differences[:DIFFERENCES],
        "not_restored": claims,
        "added_by_others": sorted({text for item in items for text in _added(run, item)})[:50],
    }


def _is_left_over(run: Run, name: str, live: Manifest) -> bool:
    """Whether an object that the revision does not have is of our making, and still there."""
    if is_record(name) or live["kind"] == CLAIM or is_terminating(live):
        return False
    return applied_by(live, run.manager)


def _compare(run: Run, kube: Kube, item: Rendered) -> list[dict[str, Any]]:
    live = run.live.get(item.id)
    gone = [{"object": item.id, "field": item.id, "live": None, "ours": "…"}]
    for _ in range(LOOKS):
        if live is None:
            return gone
        try:
            answer = kube.apply(item.manifest, run.manager, uid=live["metadata"]["uid"], dry_run=True, force=True)
        except (Exists, Outdated):
            return gone
        if same_object(answer.object, live):
            return []
        if found := differences(item.manifest, live):
            return [_told(item, difference) for difference in found]
        # All of ours is as recorded, and yet the two are not the same: either applying would take something away, or a
        # controller wrote to the object between the two looks. Only the first is seen again.
        live = kube.get(item.kind, item.name, run.namespace)
    return [{"object": item.id, "field": item.id, "live": "…", "ours": "…"}]


def _told(item: Rendered, difference: Difference) -> dict[str, Any]:
    secret = item.kind == "Secret"
    return {
        "object": item.id,
        "field": f"{item.id}:{difference.field}",
        "live": None if secret else shown(difference.live),
        "ours": None if secret else shown(difference.ours),
    }


def _added(run: Run, item: Rendered) -> list[str]:
    """Name what other hands wrote beside ours: kept, and not taken back by a rollback."""
    live = run.live.get(item.id)
    if live is None:
        return []
    return [f"{edit.item} ({edit.manager})" for edit in additions(item.manifest, live, run.manager)]
