"""Requests made up from the API's own document, and every answer held to it.

The generator is schemathesis: for each operation it makes valid and broken requests from the schema, sends them to a
live server and checks the answers. What is told here is what it is told, and what becomes of its findings.
"""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
import schemathesis.openapi
from schemathesis import hooks
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
)
"""Left out is `positive_data_acceptance`: a schema cannot say that a name is taken, so valid data may be refused."""

REFUSED = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429"]
"""How broken requests may be answered. 409 and 412: what the address names is looked at before the body is."""


@dataclass(frozen=True)
class Finding:
    """An answer that is not what the document says."""

    who: str
    operation: str
    check: str
    message: str
    request: str

    def __str__(self) -> str:
        return f"{self.operation} as {self.who}: {self.check}\n{self.message}\n{self.request}"


@dataclass
class Report:
    """What was asked and found."""

    answers: dict[str, Counter[int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return sum(count for statuses in self.answers.values() for count in statuses.values())

    @property
    def accepted(self) -> set[str]:
        """The operations that were answered with success at least once."""
        return {name for name, statuses in self.answers.items() if any(status < 300 for status in statuses)}

    def add(self, other: Report) -> None:
        """Put another one's into this."""
        for name, statuses in other.answers.items():
            self.answers.setdefault(name, Counter()).update(statuses)
        self.findings += other.findings

    def distinct(self) -> list[Finding]:
        """Give one finding for each operation, check and first line."""
        seen: dict[tuple[str, str, str], Finding] = {}
        for finding in self.findings:
            seen.setdefault((finding.operation, finding.check, finding.message.partition("\n")[0]), finding)
        return list(seen.values())


def document(address: str) -> dict[str, Any]:
    """Read the API's document from the server."""
    with urllib.request.urlopen(f"{address}/api/v1/openapi.json", timeout=30) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found


@dataclass(frozen=True)
class Plan:
    """How much is tried, and from which seed. `phases`: of examples, coverage, fuzzing, stateful."""

    seed: int
    examples: int
    phases: tuple[str, ...] = ("fuzzing",)
    known: dict[str, Any] = field(default_factory=dict)

    def config(self, address: str, token: str | None) -> SchemathesisConfig:
        """Give the generator's settings."""
        return SchemathesisConfig.from_dict(
            {
                "seed": self.seed,
                "base-url": address,
                "request-timeout": 30,
                "continue-on-failure": True,
                "suppress-health-check": ["all"],
                "cache": {"enabled": False},
                "auth": {"auto-signup": False, **({"openapi": {"token": {"bearer": token}}} if token else {})},
                "generation": {"max-examples": self.examples, "database": "none", "no-shrink": True},
                "phases": {name: {"enabled": name in self.phases, **_BY_SEED[name]} for name in _BY_SEED},
                "checks": {
                    "enabled": False,
                    **{name: {"enabled": True} for name in CHECKS},
                    "negative_data_rejection": {"enabled": True, "expected-statuses": REFUSED},
                },
                **self.known,
            }
        )


# What an answer gave is not used again: a run hangs on its seed alone. Names that exist come from `known`.
_IN_ORDER = {"operation-ordering": "none", "extra-data-sources": {"responses": False}}
_BY_SEED: dict[str, dict[str, Any]] = {
    "examples": _IN_ORDER,
    "coverage": _IN_ORDER,
    "fuzzing": {**_IN_ORDER, "error-feedback": {"enabled": False}},
    "stateful": {"inference": {"algorithms": ["location-headers"]}},
}


def fuzz(
    described: dict[str, Any],
    plan: Plan,
    *,
    address: str,
    who: str,
    token: str | None,
    revive: Callable[[], None] = lambda: None,
) -> Report:
    """Ask everything the document describes, as one person. `revive` is called between operations, and after a 401."""
    schema = schemathesis.openapi.from_dict(described, config=plan.config(address, token))
    report = Report()
    with _keeping_alive(revive):
        for event in from_schema(schema).execute():
            if isinstance(event, (events.NonFatalError, events.FatalError)):
                raise RuntimeError(f"the generator itself failed: {event}")
            if isinstance(event, (events.ScenarioFinished, events.FuzzScenarioFinished)):
                _note(report, event.recorder, who)
    return report


@contextmanager
def _keeping_alive(revive: Callable[[], None]) -> Iterator[None]:
    """Call `revive` before each operation's first request, and again after a 401."""
    asked: list[str] = []

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        if not asked or asked[-1] != case.operation.label:
            asked.append(case.operation.label)
            revive()

    def after_call(context: Any, case: Any, response: Any) -> None:
        if response.status_code == 401:
            asked.clear()

    schemathesis.hook(before_call)
    schemathesis.hook(after_call)
    try:
        yield
    finally:
        hooks.unregister(before_call)
        hooks.unregister(after_call)


def _note(report: Report, recorder: ScenarioRecorder, who: str) -> None:
    for key, interaction in recorder.interactions.items():
        if interaction.response is not None and key in recorder.cases:
            name = recorder.cases[key].value.operation.label
            report.answers.setdefault(name, Counter())[interaction.response.status_code] += 1
    report.findings += _found(recorder, who)


def _found(recorder: ScenarioRecorder, who: str) -> Iterator[Finding]:
    for key, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            failure = check.failure_info.failure
            response = recorder.interactions[key].response if key in recorder.interactions else None
            told = response.content[:600].decode(errors="replace") if response and response.content else ""
            status = response.status_code if response else "no answer"
            yield Finding(
                who,
                recorder.cases[key].value.operation.label,
                check.name,
                f"{failure.title}: {failure.message}",
                f"{check.failure_info.code_sample}\n{status}: {told}",
            )
