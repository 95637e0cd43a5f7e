"""The seven lines of a cluster's check: what each found out, why it failed, and what mends that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clusters.kube.checks import RIGHTS, TRIED, tried
from clusters.runners.check import STEPS
from clusters.words import CHECKS
from console.kit import messages
from console.kit.dates import day_text
from console.kit.phrases import joined

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from operations.models import Operation, Step

Seen = dict[str, Any]


@dataclass(frozen=True)
class CheckLine:
    """One question: its name, how it stands, what was found, and what to do about it."""

    key: str
    title: Promise | str
    state: str
    text: str
    fix: str
    duration: str


def check_lines(operation: Operation | None) -> list[CheckLine]:
    """Give the seven lines, also of a check that was not started (None) or not claimed yet."""
    steps = {step.key: step for step in operation.steps.all()} if operation else {}
    seen = {key: step.observed for key, step in steps.items()}
    return [_line(key, steps.get(key), seen) for key in STEPS]


def _line(key: str, step: Step | None, seen: dict[str, Seen]) -> CheckLine:
    if step is None:
        return CheckLine(key, CHECKS[key], "pending", "", "", "")
    text, fix = _told(key, step, seen)
    return CheckLine(key, CHECKS[key], step.state, text, fix, duration(step))


def _told(key: str, step: Step, seen: dict[str, Seen]) -> tuple[str, str]:
    """Give what to say about a step: its finding, or its problem and the mend."""
    if step.state == "skipped":
        return _("Not asked, since an earlier check did not pass."), ""
    if step.message_code and step.state in ("failed", "warning"):
        return problem_of(step, step.message_code)
    if step.state == "done":
        return _FOUND[key](seen), ""
    return "", ""


def problem_of(step: Step, code: str) -> tuple[str, str]:
    """Give the two sentences of a step that failed or warned: what it met, and what mends that."""
    try:
        title, fix = messages.title(code, step.message_params), messages.detail(code, step.message_params)
    except KeyError:
        return code, ""
    missing = [f"{item['verb']} {item['resource']}" for item in step.observed.get("missing", ())]
    if len(missing) > 1:
        lacking = ngettext("%(n)d right is missing: %(which)s.", "%(n)d rights are missing: %(which)s.", len(missing))
        title = lacking % {"n": len(missing), "which": joined(missing)}
    return title, fix


def _address(seen: dict[str, Seen]) -> str:
    found = seen["address"]
    ips = joined(found.get("ips", ()))
    if ips in ("", found.get("host")):
        return _("%(host)s may be connected to") % {"host": found.get("host", "")}
    return _("%(host)s resolves to %(ips)s") % {"host": found["host"], "ips": ips}


def _tcp(seen: dict[str, Seen]) -> str:
    return _("Port %(port)s answers") % {"port": seen["address"].get("port", "")}


def _tls(seen: dict[str, Seen]) -> str:
    end = _day(seen["tls"].get("certificate_expires_at"))
    return _("Trusted; the certificate expires on %(day)s") % {"day": end} if end else _("Trusted")


def _authentication(seen: dict[str, Seen]) -> str:
    found = seen["authentication"]
    words = {"user": found.get("user", ""), "day": _day(found.get("expires_at"))}
    if words["day"]:
        return _("Signed in as %(user)s; the credential expires on %(day)s") % words
    return _("Signed in as %(user)s") % words


def _permissions(seen: dict[str, Seen]) -> str:
    return _("All %(n)d rights are granted") % {"n": len(RIGHTS)}


def _version(seen: dict[str, Seen]) -> str:
    given = seen["version"].get("version", "")
    least, most = (".".join(map(str, bound)) for bound in TRIED)
    if tried(given):
        return str(given)
    return _("%(version)s; tried with %(least)s to %(most)s") % {"version": given, "least": least, "most": most}


def _pull(seen: dict[str, Seen]) -> str:
    return _("A pod pulled from the image registry")


_FOUND: dict[str, Callable[[dict[str, Seen]], str]] = {
    "address": _address,
    "tcp": _tcp,
    "tls": _tls,
    "authentication": _authentication,
    "permissions": _permissions,
    "version": _version,
    "registry_pull": _pull,
}


def _day(text: str | None) -> str:
    moment: datetime | None = parse_datetime(text) if text else None
    return day_text(moment) if moment else ""


def duration(step: Step) -> str:
    """Say how long a step took, once it has ended."""
    if step.started_at is None or step.finished_at is None:
        return ""
    passed = (step.finished_at - step.started_at).total_seconds()
    if passed < 1:
        return _("%(n)d ms") % {"n": round(passed * 1000)}
    return _("%(n).1f s") % {"n": passed}
