"""The pull among the checks of a cluster that is to be connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace import pulling, registries
from marketplace.models import ImageRegistry
from marketplace.pulling import Trial
from marketplace.registry import probe
from marketplace.registry.client import Registry, clean
from marketplace.registry.wire import Hooks

if TYPE_CHECKING:
    from clusters.kube.protocol import Kube
    from operations.engine.work import Work
    from teams.models import Enterprise


def check_pull(enterprise: Enterprise, kube: Kube, work: Work) -> bool:
    """Push a probe to the enterprise's registry and let the cluster pull it; False while no registry is set.

    Leaves neither probe nor namespace behind. Raises Rejected pull_failed, and what registry and cluster answer.
    """
    registry = ImageRegistry.objects.current(enterprise)
    if registry is None:
        return False
    name = probe.repository(registry.prefix)
    hooks = Hooks(before_write=work.before_write, pause=work.pause, user_agent=work.user_agent())
    user, password = registry.pull_account()
    with Registry(registries.push_place(registry), scopes=[clean(name)], hooks=hooks) as target:
        digest = probe.push(target, registry.prefix)
        space = pulling.namespace_of(work.operation.name)
        trial = Trial(f"{registry.address}/{name}@{digest}", registry.address, user, password, space)
        bound = kube.bound(work, work.key)
        try:
            pulling.try_pull(bound, trial, cluster=work.operation.subject["name"], pause=work.pause)
        finally:
            pulling.remove(bound, space)
            target.delete_manifest(name, digest)
    return True
