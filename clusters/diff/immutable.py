"""Fields a kube-apiserver refuses to change. For a StatefulSet it names none of them, so they are found here."""

from __future__ import annotations

from typing import Any

from clusters.diff.fields import differences, path_text

_FROZEN: dict[str, tuple[tuple[str, ...], ...]] = {
    "Deployment": (("spec", "selector"),),
    "StatefulSet": (
        ("spec", "selector"),
        ("spec", "serviceName"),
        ("spec", "podManagementPolicy"),
        ("spec", "volumeClaimTemplates"),
    ),
    "Service": (("spec", "clusterIP"),),
    "PersistentVolumeClaim": (("spec",),),
    "ConfigMap": (("data",),),
    "Secret": (("data",), ("type",)),
}


def immutable_changes(manifest: dict[str, Any], live: dict[str, Any]) -> list[str]:
    """Give the paths of fields that the manifest would change and the server refuses to.

    A whole frozen part is named once. Claim templates are compared as a list: one added or removed counts too.
    """
    frozen = _FROZEN.get(manifest["kind"], ())
    if manifest["kind"] in {"ConfigMap", "Secret"} and not live.get("immutable"):
        frozen = tuple(part for part in frozen if part != ("data",))
    found = {path_text(part) for part in frozen if _changed(manifest, live, part)}
    return sorted(found)


def _changed(manifest: dict[str, Any], live: dict[str, Any], part: tuple[str, ...]) -> bool:
    if any(difference.path[: len(part)] == part for difference in differences(manifest, live)):
        return True
    # Leaving claim templates out is a change too, though no leaf of the manifest says so.
    return part[-1] == "volumeClaimTemplates" and bool(_at(live, part)) != bool(_at(manifest, part))


def _at(value: dict[str, Any], part: tuple[str, ...]) -> Any:
    for step in part:
        value = value.get(step, {})
    return value
