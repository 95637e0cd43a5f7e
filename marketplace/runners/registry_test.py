"""The runner of `registry_test`: sign in, push a probe, let every cluster pull it, clean up.

Nothing here waits for what is away: a person is looking at the form. A registry that refuses ends the test; a cluster
that cannot pull is told as a warning of its own step, and the settings may still be saved.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from clusters.kube import connect
from clusters.models import Cluster
from console.kit.errors import Rejected, Unreachable, WaybillError
from console.kit.outbound import Trust
from marketplace import pulling
from marketplace.present.registry import PULL, outcome
from marketplace.pulling import Trial
from marketplace.registry import probe, reference
from marketplace.registry.auth import TokenCache
from marketplace.registry.client import Registry, clean
from marketplace.registry.wire import Hooks, Place
from operations.engine.runner import Runner
from teams import audit

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team

KIND = "registry_test"
SECONDS = 180


class RegistryTestRunner(Runner):
    """Try settings that are not saved yet; the input's passwords are sealed and wiped after an hour."""

    kind = KIND

    def steps(self, operation: Operation) -> list[str]:
        """Give login, push, one pull per connected cluster, clean."""
        clusters = Cluster.objects.connected().filter(enterprise=operation.enterprise).order_by("slug")
        return ["login", "push", *(f"{PULL}{slug}" for slug in clusters.values_list("slug", flat=True)), "clean"]

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step."""
        try:
            if step.key == "login":
                self._login(work)
            elif step.key == "push":
                self._push(work, step)
            elif step.key == "clean":
                self._clean(work)
            else:
                self._pull(work, step, step.key.removeprefix(PULL))
        except Unreachable as error:
            raise Rejected(error.code, **error.params) from error

    def _login(self, work: Work) -> None:
        """Sign in with the account that pushes, and with the one that only pulls where there is one."""
        with self._registry(work) as registry:
            registry.ping()
        if work.operation.input["pull_user"]:
            place = place_of(work.operation.input, work.sealed(), pull=True)
            with Registry(place, hooks=_hooks(work), cache=TokenCache(), own=True) as registry:
                registry.ping()

    def _push(self, work: Work, step: StepWork) -> None:
        if "digest" in step.observed:
            return
        with self._registry(work) as registry:
            digest = probe.push(registry, work.operation.input["prefix"])
        step.observe(digest=digest)

    def _pull(self, work: Work, step: StepWork, slug: str) -> None:
        operation = work.operation
        cluster = Cluster.objects.connected().filter(enterprise=operation.enterprise, slug=slug).first()
        if cluster is None:
            step.skip()
            return
        trial = self._trial(work)
        if step.key == self._pulls(work)[0]:
            self._begin_all(work, trial)
        try:
            kube = connect.for_cluster(cluster).bound(work, step.key)
            pulled = pulling.try_pull(kube, trial, cluster=cluster.name, pause=work.pause)
        except WaybillError as error:
            step.warn(error.code, **error.params)
            return
        step.observe(pulled=pulled)
        if pulled == "played":
            step.message("pull_played", cluster=cluster.name)

    def _pulls(self, work: Work) -> list[str]:
        found = work.operation.steps.filter(key__startswith=PULL).order_by("seq")
        return list(found.values_list("key", flat=True))

    def _begin_all(self, work: Work, trial: Trial) -> None:
        """Let all clusters pull side by side: many would take long one by one. What fails here is told by its step."""
        slugs = [key.removeprefix(PULL) for key in self._pulls(work)]
        waiting = list(Cluster.objects.connected().filter(enterprise=work.operation.enterprise, slug__in=slugs))
        end = time.monotonic() + pulling.READY_SECONDS
        while waiting and time.monotonic() < end:
            sent = work.parallel(lambda cluster: _begin(work, cluster, trial), waiting)
            waiting = [cluster for cluster, is_sent in zip(waiting, sent, strict=True) if not is_sent]
            if waiting:
                work.pause(pulling.EVERY)

    def _trial(self, work: Work) -> Trial:
        given, passwords = work.operation.input, work.sealed()
        digest = work.operation.steps.get(key="push").observed["digest"]
        own = bool(given["pull_user"])
        return Trial(
            reference=f"{given['address']}/{probe.repository(given['prefix'])}@{digest}",
            registry=given["address"],
            user=given["pull_user"] if own else given["user"],
            password=passwords["pull_password" if own else "password"] or "",
            namespace=pulling.namespace_of(work.operation.name),
        )

    def _clean(self, work: Work) -> None:
        """Remove the probe where the registry allows that, and the namespaces."""
        observed = work.operation.steps.filter(key="push").values_list("observed", flat=True).first() or {}
        if "digest" in observed:
            with self._registry(work) as registry:
                registry.delete_manifest(probe.repository(work.operation.input["prefix"]), observed["digest"])
        tried = work.operation.steps.filter(key__startswith=PULL).exclude(state="pending").values_list("key", flat=True)
        for slug in [key.removeprefix(PULL) for key in tried]:
            cluster = Cluster.objects.connected().filter(enterprise=work.operation.enterprise, slug=slug).first()
            if cluster is not None:
                self._remove_namespace(work, cluster)

    def _remove_namespace(self, work: Work, cluster: Cluster) -> None:
        try:
            kube = connect.for_cluster(cluster).bound(work, work.key)
            pulling.remove(kube, pulling.namespace_of(work.operation.name))
        except WaybillError as error:
            # The test's verdict stands; what is left behind is named, it is an empty namespace.
            work.log("namespace_left_behind", level="warning", cluster=cluster.name, code=error.code)

    def undo(self, work: Work, error: WaybillError | None) -> None:
        """Clean up after a refusal or a cancel too."""
        try:
            self._clean(work)
        except (Unreachable, Rejected) as left:
            work.log("probe_left_behind", level="warning", code=left.code)

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Write the audit trail's entry."""
        audit.record(
            "registry.tested",
            acting_user=operation.initiator,
            object_type="registry",
            object_id=operation.pk,
            object_label=operation.subject["name"],
            enterprise=operation.enterprise,
            after={"operation": operation.name, "state": state, **outcome(operation)},
        )

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Who may set the registry."""
        return "manage_registry", None

    def result(self, operation: Operation) -> dict[str, Any] | None:
        """Give what was found."""
        return {"href": operation.subject_href(), **outcome(operation)}

    def _registry(self, work: Work) -> Registry:
        place = place_of(work.operation.input, work.sealed())
        scopes = [clean(probe.repository(work.operation.input["prefix"]))] if work.key != "login" else []
        # Neither a connection nor a token of earlier: what the settings do now is what is asked.
        return Registry(place, scopes=scopes, hooks=_hooks(work), cache=TokenCache(), own=True)


def _begin(work: Work, cluster: Cluster, trial: Trial) -> bool:
    """Begin the pull on one cluster; False when the pod can only be made later."""
    try:
        kube = connect.for_cluster(cluster).bound(work, f"{PULL}{cluster.slug}")
        pulling.begin(kube, trial)
        return pulling.send(kube, trial)
    except WaybillError:
        return True


def _hooks(work: Work) -> Hooks:
    return Hooks(before_write=work.before_write, pause=work.pause, user_agent=work.user_agent())


def place_of(given: dict[str, Any], passwords: dict[str, Any], *, pull: bool = False) -> Place:
    """Give the registry that settings name, with the account that pushes or the one that pulls."""
    return Place(
        address=given["address"],
        endpoint=reference.endpoint_of(given["address"]),
        user=given["pull_user"] if pull else given["user"],
        password=passwords["pull_password"] if pull else passwords["password"],
        trust=Trust.ADMIN,
        ca_pem=given["ca_pem"],
        plain_http=given["plain_http"],
    )
