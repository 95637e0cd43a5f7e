"""How a state looks: one family of colour and one shape for each word, never colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Look(NamedTuple):
    """The family (`ok prog warn bad none`), the symbol of the sprite, and the word."""

    family: str
    icon: str
    word: str | _StrPromise


OPERATION: dict[str, Look] = {
    "queued": Look("none", "todo", pgettext_lazy("operation", "Queued")),
    "running": Look("prog", "run", pgettext_lazy("operation", "In progress")),
    "waiting": Look("warn", "pause", pgettext_lazy("operation", "Waiting")),
    "succeeded": Look("ok", "ok", pgettext_lazy("operation", "Succeeded")),
    "failed": Look("bad", "bad", pgettext_lazy("operation", "Failed")),
    "errored": Look("bad", "bad", pgettext_lazy("operation", "Internal error")),
    "cancelled": Look("none", "none", pgettext_lazy("operation", "Cancelled")),
}

STEP: dict[str, Look] = {
    "pending": Look("none", "todo", pgettext_lazy("step", "Pending")),
    "running": Look("prog", "run", pgettext_lazy("step", "Running")),
    "done": Look("ok", "ok", pgettext_lazy("step", "Done")),
    "warning": Look("warn", "warn", pgettext_lazy("step", "Warning")),
    "failed": Look("bad", "bad", pgettext_lazy("step", "Failed")),
    "skipped": Look("none", "none", pgettext_lazy("step", "Skipped")),
}

CLUSTER: dict[str, Look] = {
    "online": Look("ok", "ok", pgettext_lazy("cluster", "Online")),
    "unreachable": Look("warn", "bolt", pgettext_lazy("cluster", "Unreachable")),
    "offline": Look("none", "off", pgettext_lazy("cluster", "Offline")),
    "unknown": Look("none", "none", pgettext_lazy("cluster", "Unknown")),
}

ENVIRONMENT: dict[str, Look] = {
    "preparing": Look("prog", "run", pgettext_lazy("environment", "Preparing")),
    "ready": Look("ok", "ok", pgettext_lazy("environment", "Ready")),
    "failed": Look("bad", "bad", pgettext_lazy("environment", "Failed")),
}

APPLICATION: dict[str, Look] = {
    "idle": Look("none", "none", pgettext_lazy("status", "Idle")),
    "starting": Look("prog", "run", pgettext_lazy("status", "Starting")),
    "running": Look("ok", "ok", pgettext_lazy("status", "Running")),
    "degraded": Look("warn", "warn", pgettext_lazy("status", "Partly abnormal")),
    "failed": Look("bad", "bad", pgettext_lazy("status", "Abnormal")),
    "stopping": Look("prog", "run", pgettext_lazy("status", "Stopping")),
    "stopped": Look("none", "pause", pgettext_lazy("status", "Stopped")),
    "unknown": Look("none", "unknown", pgettext_lazy("status", "Unknown")),
}

REVISION: dict[str, Look] = {
    "pending": Look("prog", "run", pgettext_lazy("revision", "Pending")),
    "deployed": Look("ok", "ok", pgettext_lazy("revision", "Current")),
    "superseded": Look("none", "none", pgettext_lazy("revision", "Superseded")),
    "failed": Look("bad", "bad", pgettext_lazy("revision", "Failed")),
}

PLAN: dict[str, Look] = {
    "add": Look("ok", "plus", pgettext_lazy("plan", "Added")),
    "change": Look("prog", "back", pgettext_lazy("plan", "Changed")),
    "remove": Look("bad", "x", pgettext_lazy("plan", "Removed")),
    "keep": Look("none", "none", pgettext_lazy("plan", "Unchanged")),
}

PUBLICATION: dict[str, Look] = {
    "copying": Look("prog", "run", pgettext_lazy("publication", "Copying")),
    "ready": Look("warn", "warn", pgettext_lazy("publication", "Ready to confirm")),
    "published": Look("ok", "ok", pgettext_lazy("publication", "Published")),
    "failed": Look("bad", "bad", pgettext_lazy("publication", "Failed")),
    "abandoned": Look("none", "none", pgettext_lazy("publication", "Given up")),
}

IMAGE: dict[str, Look] = {
    "pending": Look("none", "todo", pgettext_lazy("image", "Pending")),
    "copying": Look("prog", "run", pgettext_lazy("image", "Copying")),
    "done": Look("ok", "ok", pgettext_lazy("image", "Done")),
    "failed": Look("bad", "bad", pgettext_lazy("image", "Failed")),
}

FAMILIES: dict[str, dict[str, Look]] = {
    "app": APPLICATION,
    "revision": REVISION,
    "plan": PLAN,
    "publication": PUBLICATION,
    "image": IMAGE,
    "operation": OPERATION,
    "step": STEP,
    "cluster": CLUSTER,
    "environment": ENVIRONMENT,
}


def look(kind: str, state: str) -> Look:
    """Give how `state` of that kind of thing looks. Raises KeyError for a state nobody gave a look."""
    return FAMILIES[kind][state]
