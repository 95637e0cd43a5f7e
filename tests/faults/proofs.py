"""The proofs, counted: which promise each test holds the console to, and the table at the end of a run.

`@pytest.mark.proof("R1")` marks a test of a promise; `@pytest.mark.control("R1")` one that takes the guard behind it
away and sees the promise broken: a proof that cannot turn red proves nothing. `@pytest.mark.full` marks what only runs
at full size, `@pytest.mark.apart` what only runs when proofs are asked for. `--proofs=R1,K2` (or `all`) runs these
alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from tests.faults import size

PROMISES = {
    "R1": "a worker killed at any point loses, doubles and wedges nothing",
    "R2": "processes killed at random under load lose, double and wedge nothing",
    "R3": "a broker that forgets or is gone costs latency only",
    "R4": "a worker paused past its lease changes nothing",
    "R6": "a click repeated is one operation",
    "R8": "a cancel ends at every boundary, and the inventory is what is live",
    "R10": "a dark cluster is waited for, and holds up nobody else",
    "K1": "going back gives exactly what ran before",
    "K2": "a field that cannot change is named in the plan",
    "K3": "nothing is deleted but what is recorded",
    "K5": "a failing component's cause is named, and is no success",
    "G1": "a copy cut anywhere comes out whole",
    "G2": "bytes that are not what their digest names are refused",
    "G6": "a published version does not change",
}
NUMBER, CONTROL, RUNS, RECOVERY = "proof", "control", "runs", "recovery"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice."""
    parser.addoption("--proofs", default="", help="run these proofs alone: numbers by comma, or all")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest the marks."""
    for line in (
        "proof(number): holds the console to a promise",
        "control(number): takes the guard of a promise away and sees it broken",
        "full: runs at full size only (TESTS_FULL=1)",
        "apart: runs only when proofs are asked for (make faults), not with all the other tests",
    ):
        config.addinivalue_line("markers", line)


def pytest_report_header() -> str:
    """Say what replays this run."""
    return f"proofs: {'full size' if size.FULL else 'samples'}, TESTS_SEED={size.SEED}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Write each proof's number beside its reports, and leave out what is not asked for."""
    wanted = {number.strip().upper() for number in config.getoption("--proofs").split(",") if number.strip()}
    unknown = wanted - {*PROMISES, "ALL"}
    if unknown:
        raise pytest.UsageError(f"there is no proof {', '.join(sorted(unknown))}; there are {', '.join(PROMISES)}")
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        numbers = _numbers(item)
        item.user_properties += numbers
        asked = not wanted or (bool(numbers) and ("ALL" in wanted or bool({number for _, number in numbers} & wanted)))
        runs = size.FULL or item.get_closest_marker("full") is None
        runs = runs and (bool(wanted) or item.get_closest_marker("apart") is None)
        (kept if asked and runs else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def _numbers(item: pytest.Item) -> list[tuple[str, object]]:
    """Give the promises that a test is about."""
    found: list[tuple[str, object]] = []
    for kind in (NUMBER, CONTROL):
        for mark in item.iter_markers(kind):
            for number in mark.args:
                assert number in PROMISES, f"{item.nodeid}: there is no proof {number}"
                found.append((kind, number))
    return found


class Tally:
    """What a proof counts while it runs."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def runs(self, count: int = 1) -> None:
        """Count what was tried: kills, clicks, cuts, cases."""
        self._properties.append((RUNS, count))

    def recovered(self, seconds: Sequence[float]) -> None:
        """Note the seconds from each kill to the next step."""
        self._properties += [(RECOVERY, round(one, 3)) for one in seconds]


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts what this proof tries, for the table."""
    return Tally(request.node.user_properties)


# --- The table -------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """What the tests of one promise came to."""

    tests: int = 0
    failed: int = 0
    runs: int = 0
    controls: int = 0
    red: int = 0
    seconds: float = 0.0
    recovery: list[float] = field(default_factory=list)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, once for all processes."""
    rows = {number: Row() for number in PROMISES}
    for report in _reports(terminalreporter):
        _count(rows, report)
    if not any(row.tests + row.controls for row in rows.values()):
        return
    terminalreporter.section(f"proofs ({'full size' if size.FULL else 'samples'}, TESTS_SEED={size.SEED})")
    for line in table(rows):
        terminalreporter.write_line(line)


def _reports(reporter: pytest.TerminalReporter) -> Iterator[pytest.TestReport]:
    """Give one report per test: of its call, or of what kept it from being called."""
    for category in ("passed", "failed", "error"):
        for report in reporter.stats.get(category, []):
            if isinstance(report, pytest.TestReport) and (report.when == "call" or report.failed):
                yield report


def _count(rows: dict[str, Row], report: pytest.TestReport) -> None:
    said = list(report.user_properties)
    for kind, number in said:
        if kind == NUMBER:
            row = rows[str(number)]
            row.tests += report.when == "call"
            row.failed += report.failed
            row.seconds += report.duration
            row.runs += sum(int(str(value)) for name, value in said if name == RUNS)
            row.recovery += [float(str(value)) for name, value in said if name == RECOVERY]
        elif kind == CONTROL:
            row = rows[str(number)]
            row.controls += report.when == "call"
            row.red += report.passed
            row.seconds += report.duration


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of all lies at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1))]


def table(rows: dict[str, Row]) -> Iterator[str]:
    """Give the lines of the table; runs that a test does not count itself are the tests."""
    yield "     tests  runs   failed  control       recovery p50/p99     seconds  promise"
    for number, row in rows.items():
        if not row.tests + row.controls:
            continue
        red = f"{row.red} of {row.controls} red" if row.controls else "not run"
        took = f"{percentile(row.recovery, 0.5):.1f} / {percentile(row.recovery, 0.99):.1f} s" if row.recovery else "-"
        took = f"{took} ({len(row.recovery)})" if row.recovery else took
        yield (
            f"{number:<4} {row.tests:>5} {row.runs or row.tests:>6} {row.failed:>7}  {red:<13} {took:<20} "
            f"{row.seconds:>8.0f}  {PROMISES[number]}"
        )
    if os.environ.get("TESTS_FULL"):
        yield f"The same again: make faults FULL=1 SEED={size.SEED}"
    else:
        yield f"The same again: make faults SEED={size.SEED}"
