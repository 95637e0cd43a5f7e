"""Taking an application over: the fence after a crash, the record, one look at everything, open rows settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clusters.delivery import fence, inventory
from clusters.delivery.live import look
from clusters.delivery.record import hold_record
from clusters.delivery.run import Run
from clusters.diff import differences
from clusters.models import AppliedObject

if TYPE_CHECKING:
    from clusters.kube.protocol import Manifest


def take_over(run: Run) -> None:
    """Make this process the application's writer: done by each new owner of the operation before any write of its own.

    After an unclean take-over (the lease of a former owner ran out) the environment's key is replaced first and every
    live object is moved on, so that whatever the former owner still has in hand is refused by the cluster itself.
    """
    if run.taken:
        return
    attempts = fence.open_attempts(run)
    if attempts is not None:
        fence.replace_key(run.work, run.environment)
        hold_record(run)
        _look(run)
        fence.bump(run)
        fence.close_attempts(run, attempts)
    else:
        _hold_and_look(run)
    _settle(run)
    # The cluster has answered: an operation that waited for it is at work again, however long its pods take now.
    run.work.answered()
    run.taken = True


def _look(run: Run) -> None:
    run.live = look(run.work, run.kube(), run.namespace, run.application_id)


def _hold_and_look(run: Run) -> None:
    """Write the record and look, side by side: after a clean hand-over nobody else writes what is looked at."""
    held: list[Manifest] = []
    acts: tuple[Callable[[], None], ...] = (lambda: held.append(hold_record(run)), lambda: _look(run))
    run.work.parallel(lambda act: act(), acts, width=len(acts))
    run.live.put(held[0])


def _settle(run: Run) -> None:
    """Settle what a former owner meant to send: there as wanted is applied; the rest is sent again."""
    open_rows = {name: row for name, row in run.rows.items() if row.state == AppliedObject.State.INTENDED}
    if not open_rows or run.revision.objects_applied is None:
        return
    wanted = {item.id: item for item in run.bundle.all()}
    seen: dict[str, Manifest] = {}
    for name, row in open_rows.items():
        live, item = run.live.get(name), wanted.get(name)
        if live is not None and item is not None and row.hash == item.hash and not differences(item.manifest, live):
            seen[name] = live
    inventory.settle(run.work, seen, run.rows)
