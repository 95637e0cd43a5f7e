"""Keys of environments on their cluster: making the first, and replacing one whose holder may still be writing."""

from __future__ import annotations

from clusters.kube import connect
from clusters.kube.errors import Exists, Outdated
from clusters.kube.protocol import Guard, Kube, Manifest
from clusters.manifests import environment as manifests
from clusters.manifests import labels, names
from clusters.models import Cluster, Environment
from console.kit.errors import Rejected

MANAGER = "waybill-console"
"""The field manager of everything the console makes for an environment as a whole."""


def place_key(kube: Kube, environment: Environment, generation: int) -> None:
    """Make the ServiceAccount of that generation and let the environment's one binding name it, and no other.

    One PATCH of the binding drops the old key and admits the new. Repeating it is harmless. Raises Rejected
    object_name_taken when the account belongs to another environment, of another console perhaps.
    """
    owner = str(environment.pk)
    account = manifests.key_account(environment.slug, generation, owner)
    try:
        kube.apply(account, MANAGER, create_only=True)
    except Exists as error:
        _refuse_stranger(kube, account, owner, error.target)
    binding = manifests.deploy_binding(environment.namespace, owner, environment.slug, generation)
    kube.apply(binding, MANAGER, force=True)


def _refuse_stranger(kube: Kube, account: Manifest, owner: str, target: str) -> None:
    """Let an account that is this environment's own pass."""
    metadata = account["metadata"]
    live = kube.get("ServiceAccount", metadata["name"], metadata["namespace"])
    found = ((live or {}).get("metadata", {}).get("labels") or {}).get(labels.ENVIRONMENT, "")
    if found != owner:
        raise Rejected("object_name_taken", object=target, owner=found)


def drop_key(kube: Kube, environment: Environment, generation: int) -> None:
    """Delete the ServiceAccount of a generation, if it is there and ours."""
    name = names.key(environment.slug, generation)
    for _ in range(3):
        found = kube.get("ServiceAccount", name, names.SYSTEM_NAMESPACE)
        if found is None or (found["metadata"].get("labels") or {}).get(labels.ENVIRONMENT) != str(environment.pk):
            return
        try:
            kube.delete("ServiceAccount", name, names.SYSTEM_NAMESPACE, uid=found["metadata"]["uid"])
        except Outdated:
            continue
        return


def replace_key(cluster: Cluster, environment: Environment, old: int, new: int, work: Guard) -> None:
    """Take the key `old` away from whoever still holds it and make `new`, before any other write of a new owner.

    Every generation below `new` is refused from here on, within milliseconds: the binding names `new` alone. Whatever
    was authorized before ends with its own time limit. Repeating it is harmless; names of keys are never used again.
    Asks for a token of the new key, so that the new owner's first write finds a binding that has settled.
    """
    kube = connect.for_cluster(cluster).bound(work, "take_over")
    place_key(kube, environment, new)
    connect.for_environment(environment, new).bound(work, "take_over").rules(environment.namespace)
    for generation in range(min(old, new), new):
        drop_key(kube, environment, generation)
