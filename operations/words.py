"""Words for people about operations: made from kind, state and what was changed, in the reader's language.

A row holds two axes, what and how far; "Partly upgraded" or "Cancelling" exist only here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from console.kit import messages

if TYPE_CHECKING:
    from operations.models import Operation, OperationEvent, Step

Text = Promise | str


class KindWords(NamedTuple):
    """What a kind is called as a thing, while it runs, once done, half done, and when nothing came of it."""

    noun: Text
    doing: Text
    done: Text
    partly: Text
    not_done: Text


_kinds: dict[str, KindWords] = {}
_steps: dict[str, Text] = {}

OTHER = KindWords(
    pgettext_lazy("operation", "Operation"),
    pgettext_lazy("operation", "Running"),
    pgettext_lazy("operation", "Done"),
    pgettext_lazy("operation", "Partly done"),
    pgettext_lazy("operation", "Failed"),
)

STATES: dict[str, Text] = {
    "queued": pgettext_lazy("operation state", "Queued"),
    "running": pgettext_lazy("operation state", "Running"),
    "waiting": pgettext_lazy("operation state", "Waiting"),
    "succeeded": pgettext_lazy("operation state", "Succeeded"),
    "failed": pgettext_lazy("operation state", "Failed"),
    "errored": pgettext_lazy("operation state", "Internal error"),
    "cancelled": pgettext_lazy("operation state", "Cancelled"),
}

STEP_STATES: dict[str, Text] = {
    "pending": pgettext_lazy("step state", "Pending"),
    "running": pgettext_lazy("step state", "Running"),
    "done": pgettext_lazy("step state", "Done"),
    "warning": pgettext_lazy("step state", "Done, with a warning"),
    "failed": pgettext_lazy("step state", "Failed"),
    "skipped": pgettext_lazy("step state", "Skipped"),
}

CHANGED: dict[str, Text] = {
    "nothing": gettext_lazy("Nothing was changed."),
    "part": gettext_lazy("Part of it was changed."),
    "all": gettext_lazy("Everything was changed as asked."),
    "unknown": gettext_lazy("We could not find out what was changed."),
}

NEXT: dict[str, Text] = {
    "retry": pgettext_lazy("next step", "Retry"),
    "rollback": pgettext_lazy("next step", "Roll back"),
}

AWAITED: dict[str, Text] = {
    "cluster": pgettext_lazy("waiting for", "cluster"),
    "registry": pgettext_lazy("waiting for", "registry"),
    "docker": pgettext_lazy("waiting for", "Docker engine"),
}

MESSAGES: dict[str, Text] = {
    "started": gettext_lazy("A worker has begun."),
    "taken_over": gettext_lazy("The worker was lost; another one has taken over (epoch %(epoch)s)."),
    "waiting": gettext_lazy("Waiting for the %(kind)s %(name)s, which does not answer. It goes on by itself."),
    "resumed": gettext_lazy("It answers again; the work goes on."),
    "operation_succeeded": gettext_lazy("Done."),
    "operation_failed": gettext_lazy("Stopped: it failed."),
    "operation_errored": gettext_lazy("Stopped by an internal error."),
    "operation_cancelled": gettext_lazy("Cancelled."),
    "cancel_requested": gettext_lazy("%(by)s asked to cancel. It stops at the next step."),
    "undo_failed": gettext_lazy("Removing what had been made did not succeed."),
}


def register_kind(kind: str, words: KindWords) -> None:
    """Give a kind its words; the app that has its runner calls this."""
    _kinds[kind] = words
    messages.register_labels("kind", {kind: words.noun})


def register_steps(steps: Mapping[str, Text]) -> None:
    """Give steps their words: a whole key, or what stands before its colon with %(name)s for what follows."""
    _steps.update(steps)


def of_kind(kind: str) -> KindWords:
    """Give the words of a kind."""
    return _kinds.get(kind, OTHER)


def kinds() -> list[tuple[str, str]]:
    """Give the kinds that have words, each with its noun, in the order of the nouns."""
    return sorted(((kind, str(words.noun)) for kind, words in _kinds.items() if kind != "plan"), key=lambda one: one[1])


def headline(operation: Operation) -> str:
    """Say in two or three words how it stands: "Upgrading", "Partly upgraded", "Cancelling", "Waiting"."""
    words = of_kind(operation.kind)
    if operation.is_active:
        if operation.cancel_requested_at is not None:
            return _("Cancelling")
        return str(words.doing if operation.state == "running" else STATES[operation.state])
    if operation.state == "succeeded":
        return str(words.done)
    if operation.changed == "part":
        return str(words.partly)
    if operation.state == "cancelled":
        return str(STATES["cancelled"])
    return str(words.not_done)


def waiting(operation: Operation) -> str | None:
    """Say what it waits for; None when it does not wait."""
    if not operation.waiting_for:
        return None
    return _said("waiting", {"kind": operation.waiting_for["kind"], "name": operation.waiting_for["name"]})


def step(row: Step) -> str:
    """Give the name of a step: "Check", "Component web"."""
    head, colon, rest = row.key.partition(":")
    known = _steps.get(f"{head}:" if colon else head)
    return row.key if known is None else str(known) % {"name": rest}


def step_message(row: Step) -> str | None:
    """Give the sentence a step says at the moment."""
    return _said(row.message_code, row.message_params) if row.message_code else None


def line(event: OperationEvent) -> str:
    """Give the sentence of a line of the log."""
    return _said(event.code, event.params)


def _said(code: str, params: Mapping[str, Any]) -> str:
    """Give a code's sentence; one written by a newer or older version than this is shown as it is."""
    try:
        return messages.text(code, params)
    except KeyError:
        return code


def register() -> None:
    """Make the engine's own words known."""
    messages.register_messages(MESSAGES)
    messages.register_labels("kind", AWAITED)
    register_kind(
        "batch",
        KindWords(
            pgettext_lazy("operation", "Several environments"),
            pgettext_lazy("operation", "Running in several environments"),
            pgettext_lazy("operation", "Done in all environments"),
            pgettext_lazy("operation", "Done in some environments"),
            pgettext_lazy("operation", "Done in no environment"),
        ),
    )
    register_steps({"undo": pgettext_lazy("step", "Undo"), "check": pgettext_lazy("step", "Check")})
