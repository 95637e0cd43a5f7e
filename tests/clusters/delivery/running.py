"""What components of tests are made of: images that nobody pulls, on played nodes, or such that run, on real ones."""

from __future__ import annotations

import functools
from typing import Any, Protocol

from clusters.manifests import environment as manifests
from clusters.manifests.scope import PullCredential
from clusters.spec import Component
from deploy.local.images import push_sample
from deploy.local.plan import RegistryFacts
from deploy.local.registry import Registry
from tests.clusters.delivery.house import House, part

VERSIONS = (1, 2, 3)
SERVES = {"stateless": "cache", "stateful": "db"}
"""The program of the sample that stands for each kind of component."""


class Goods(Protocol):
    """Gives components."""

    def __call__(self, key: str, version: int = 1, **fields: Any) -> Component:
        """Give a component; another `version` is another image."""


class Running:
    """Components that run: programs of the sample, in three versions, out of a platform's registry."""

    def __init__(self, registry: RegistryFacts) -> None:
        self.registry = registry
        self.images = {version: _by_digest(registry, f"{version}.0") for version in VERSIONS}

    def __call__(self, key: str, version: int = 1, **fields: Any) -> Component:
        program = SERVES[fields.get("kind", "stateless")]
        asks = {"kind": "command", "command": ["/sample", program, "ping"], "period": 1}
        said = {**fields, "args": [program, *fields.get("args", ())], "probes": {"readiness": asks}}
        made = part(key, version, **said)
        reference = self.images[version][program]
        source, _, digest = reference.partition("@")
        repository = source.rpartition(":")[0]
        made["image"] |= {
            "reference": source,
            "source": source,
            "digest": digest,
            "pull": f"{repository}@{digest}",
        }
        return made

    def furnish(self, house: House) -> None:
        """Let the environment pull."""
        account = PullCredential(user=self.registry.user, password=self.registry.password)
        place = house.environment
        secret = manifests.pull_secret(place.namespace, str(place.pk), {self.registry.address: account})
        house.real.create(f"{house.path}/secrets", secret)


@functools.cache
def _by_digest(registry: RegistryFacts, version: str) -> dict[str, str]:
    """Push a version of the sample: component → `host/repository:tag@digest`."""
    client, found = Registry.of(registry), {}
    for component, reference in push_sample(registry, version).items():
        repository, _, tag = reference.removeprefix(f"{client.address}/").rpartition(":")
        found[component] = f"{reference}@{client.manifest(repository, tag).headers['docker-content-digest']}"
    return found
