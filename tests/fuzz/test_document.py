"""The API does what its document says, whatever it is asked: no fault of its own, and no answer the document lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.dev.servers import Valkey
from operations.models import Operation
from tests.fuzz.harness import Plan, Report, document, fuzz
from tests.fuzz.server import serving, working
from tests.fuzz.size import EXAMPLES, FULL, SAMPLE, SEED
from tests.fuzz.world import PEOPLE, World

PHASES = ("examples", "coverage", "fuzzing", "stateful") if FULL else ("fuzzing",)
pytestmark = pytest.mark.timeout(6 * 3600 if FULL else 240)


@pytest.fixture
def world(transactional_db: None) -> World:
    """Everyone and everything, in a database that the server sees."""
    return World()


def test_every_answer_is_what_the_document_says(world: World, broker: Valkey, tmp_path: Path) -> None:
    report = Report()
    with serving(tmp_path) as address:
        described = document(address)
        for part in PEOPLE:
            examples = EXAMPLES if FULL else SAMPLE[part]
            found = fuzz(
                described,
                Plan(SEED, examples, PHASES, world.dictionaries()),
                address=address,
                who=part,
                token=world.token(part),
                revive=lambda part=part: world.revive(part),  # type: ignore[misc]
            )
            print(
                f"{part}: {found.requests} requests, {len(found.accepted)} operations with success,"
                f" {len(found.distinct())} findings",
                *found.distinct(),
                sep="\n",
                flush=True,
            )
            report.add(found)
    _hold(report, len([1 for methods in described["paths"].values() for _ in methods]))


@pytest.mark.full
def test_no_work_that_made_up_requests_start_is_a_fault_of_the_console(
    world: World, broker: Valkey, tmp_path: Path
) -> None:
    plan = Plan(SEED, EXAMPLES, ("fuzzing",), world.dictionaries())
    with serving(tmp_path) as address, working(tmp_path):
        described = document(address)
        report = fuzz(
            described,
            plan,
            address=address,
            who="admin",
            token=world.token("admin"),
            revive=lambda: world.revive("admin"),
        )
    _hold(report, 0)
    errored = list(Operation.objects.filter(state="errored").values_list("number", "kind", "outcome_params"))
    print(f"{Operation.objects.count()} operations, {len(errored)} errored")
    assert not errored, errored[:10]


def _hold(report: Report, operations: int) -> None:
    found = report.distinct()
    print(
        f"{report.requests} requests to {len(report.answers)} operations, {len(report.accepted)} of them accepted one"
    )
    for name, statuses in sorted(report.answers.items()) if FULL else ():
        print(f"{name}: {', '.join(f'{count} x {status}' for status, count in sorted(statuses.items()))}")
    again = f"make fuzz SEED={SEED} EXAMPLES={EXAMPLES}" if FULL else f"TESTS_SEED={SEED} and the same test"
    assert not found, "\n\n".join([f"{len(found)} findings. The same again: {again}", *map(str, found)])
    assert len(report.answers) >= operations


WRONG = {
    "GET /api/v1/me": "not_a_server_error",
    "GET /api/v1/tokens": "status_code_conformance",
    "GET /api/v1/clusters": "content_type_conformance",
    "GET /api/v1/environments": "response_schema_conformance",
    "POST /api/v1/tokens": "negative_data_rejection response_headers_conformance",
    "GET /api/v1/operations": "ignored_auth",
}


def test_control_views_that_break_their_word_are_found(world: World, broker: Valkey, tmp_path: Path) -> None:
    with serving(tmp_path, "tests.fuzz.broken:application") as address:
        described = document(address)
        paths = {name.partition(" ")[2] for name in WRONG}
        described["paths"] = {path: methods for path, methods in described["paths"].items() if path in paths}
        plan = Plan(SEED, 5, ("coverage", "fuzzing"), world.dictionaries())
        report = fuzz(described, plan, address=address, who="admin", token=world.token("admin"))
    found = {(finding.operation, finding.check) for finding in report.findings}
    assert {(name, check) for name, checks in WRONG.items() for check in checks.split()} <= found
