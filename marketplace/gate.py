"""The gate: may this version be installed in this environment? One pure answer for the page, the API and the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.kit.errors import Refused, Rejected, WaybillError


@dataclass(frozen=True)
class Question:
    """What the gate looks at, as plain facts from rows."""

    number: str
    state: str
    mark: str
    visible: bool
    """Whether the environment's team may see the template."""
    environment: str
    accepts: str
    once_deployed: bool = False
    """Whether this is a way back to a revision that was deployed there once."""
    newest_release: str | None = None
    mark_event: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What the gate says."""

    allowed: bool
    code: str | None = None
    warning: str | None = None


def ask(question: Question) -> Verdict:
    """Answer. A way back is always open, with a warning when the mark was taken back since."""
    released = question.accepts == "any" or question.mark == "release"
    if question.once_deployed:
        return Verdict(True, warning=None if released else "mark_taken_back")
    if not question.visible or question.state != "published":
        return Verdict(False, "version_not_published")
    if not released:
        return Verdict(False, "version_not_accepted")
    return Verdict(True)


def pass_or_raise(question: Question, *, running: bool = False) -> Verdict:
    """Answer, or raise version_not_published or version_not_accepted: Refused at acceptance, Rejected in a worker."""
    verdict = ask(question)
    if verdict.allowed:
        return verdict
    family: type[WaybillError] = Rejected if running else Refused
    if verdict.code == "version_not_accepted":
        raise family(
            "version_not_accepted",
            environment=question.environment,
            number=question.number,
            newest_release=question.newest_release,
        )
    raise family("version_not_published", number=question.number)


def evidence(question: Question) -> dict[str, Any]:
    """What a delivery keeps of what the gate saw."""
    return {"accepts": question.accepts, "mark": question.mark, "mark_event": question.mark_event}
