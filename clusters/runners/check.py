"""The runner of `cluster_check`: the seven questions that are asked before a cluster is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clusters import hooks
from clusters.actions.clusters import check_again
from clusters.kube import checks
from clusters.kube.checks import Target
from clusters.kube.client import Client
from console.kit.errors import Invalid, Rejected, Unreachable, WaybillError
from operations.engine.runner import Runner
from teams import audit

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team, User

KIND = "cluster_check"
STEPS = ("address", "tcp", "tls", "authentication", "permissions", "version", "registry_pull")
SECONDS = 60


def target_of(sealed: dict[str, Any]) -> Target:
    """Read the sealed input of a check."""
    return Target(sealed["endpoint"], sealed["ca_pem"], sealed["credential"])


class CheckRunner(Runner):
    """Ask the seven questions in order; the first that fails ends the check with its code."""

    kind = KIND

    def steps(self, operation: Operation) -> list[str]:
        """Give the seven questions."""
        return list(STEPS)

    def perform(self, work: Work, step: StepWork) -> None:
        """Ask one question. What is away now is a finding here, not something to wait for."""
        target = target_of(work.sealed())
        try:
            seen = self._ask(work, step, target)
        except Unreachable as error:
            raise Rejected("address_unreachable", host=target.host, reason="no_answer") from error
        except Invalid as error:
            raise Rejected(error.code, **error.params) from error
        step.conclude(**seen)

    def _ask(self, work: Work, step: StepWork, target: Target) -> dict[str, Any]:
        if step.key == "address":
            return checks.address(target)
        if step.key == "tcp":
            return checks.tcp(target)
        if step.key == "tls":
            return checks.tls(target)
        client = target.client()
        try:
            return self._ask_cluster(work, step, target, client)
        finally:
            client.channel.close()

    def _ask_cluster(self, work: Work, step: StepWork, target: Target, client: Client) -> dict[str, Any]:
        if step.key == "authentication":
            return checks.authentication(target, client)
        if step.key == "permissions":
            return self._permissions(work, step, client)
        if step.key == "version":
            return checks.version(client)
        return self._pull(work, step, client)

    def _permissions(self, work: Work, step: StepWork, client: Client) -> dict[str, Any]:
        asked = work.parallel(lambda right: checks.missing(client, right), checks.RIGHTS, width=client.window)
        lacking = [right for right in asked if right is not None]
        step.observe(missing=[{"verb": right.verb, "resource": checks.describe(right)} for right in lacking])
        if lacking:
            raise Rejected("permission_missing", verb=lacking[0].verb, resource=checks.describe(lacking[0]))
        return {}

    def _pull(self, work: Work, step: StepWork, client: Client) -> dict[str, Any]:
        """Try a pull where a registry is set. A cluster that cannot pull yet may be connected: this only warns."""
        try:
            tried = hooks.pull_check(work.operation.enterprise, client, work)
        except WaybillError as error:
            step.warn(error.code, **error.params)
            return {"pulled": False}
        if not tried:
            step.warn("registry_not_set")
        return {"pulled": tried}

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Write the audit trail's entry."""
        audit.record(
            "cluster.checked",
            acting_user=operation.initiator,
            object_type="cluster",
            object_id=operation.pk,
            object_label=operation.subject["name"],
            enterprise=operation.enterprise,
            after={"operation": operation.name, "state": state, "code": error.code if error else None},
        )

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Who may connect clusters."""
        return "manage_clusters", None

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Ask the same questions again, with the same credential."""
        return check_again(check=operation, acting_user=acting_user)

    def result(self, operation: Operation) -> dict[str, Any] | None:
        """Give what was found out: the cluster's uid and version, and the warnings are in the steps."""
        seen: dict[str, Any] = next((step.observed for step in operation.steps.all() if step.key == "version"), {})
        return {"href": operation.subject_href(), "uid": seen.get("uid"), "version": seen.get("version")}
