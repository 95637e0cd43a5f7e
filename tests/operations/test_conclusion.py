"""The last word of a step: one record with its end, and with the beginning of the step after it."""

from __future__ import annotations

from operations import registry
from operations.engine.loop import Loop
from operations.engine.step import StepWork
from operations.engine.work import Work
from operations.models import Operation
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop


class ConcludingRunner(toy.ToyRunner):
    """Concludes its first step; the second tells how it finds the rows, and what the end of a conclusion waits for."""

    kind = "concluding"

    def steps(self, operation: Operation) -> list[str]:
        return ["one", "two"]

    def perform(self, work: Work, step: StepWork) -> None:
        if step.key == "one":
            step.conclude(seen=1)
            step.warn("pods_starting", ready=0, desired=1)
            return
        first, second = work.operation.steps.order_by("seq")
        step.observe(first=[first.state, first.observed, first.message_code], second=[second.state, second.epoch])


def test_a_conclusion_is_written_with_the_end_of_its_step_and_the_next_beginning(loop: Loop, shop: Shop) -> None:
    registry.register(ConcludingRunner())
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, kind="concluding"))
    assert operation.state == "succeeded"
    assert operation.steps.get(key="two").observed == {
        "first": ["warning", {"seen": 1}, "pods_starting"],
        "second": ["running", 1],
    }
