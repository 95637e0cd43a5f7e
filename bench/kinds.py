"""The kind of operation that measures the engine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.apps import STEPS
from operations.engine.runner import Runner

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team


class EightSteps(Runner):
    """Eight steps, each of which writes down that it was there."""

    kind = "bench_steps"

    def steps(self, operation: Operation) -> list[str]:
        return [f"step{number}" for number in range(STEPS)]

    def perform(self, work: Work, step: StepWork) -> None:
        step.conclude(seen=True)

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        return "manage_teams", None
