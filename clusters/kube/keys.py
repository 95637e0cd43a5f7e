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

BIND_TRIES = 8
"""So often a binding is looked at anew that another owner moves at the same moment; each of them only moves it on."""


def place_key(kube: Kube, environment: Environment, generation: int) -> None:
    """Make the ServiceAccount of that generation and let the environment's one binding name it, and no other.

    One PATCH of the binding drops the old key and admits the new. Repeating it is harmless, and so is coming late: a
    binding that names a newer key already stays as it is. Raises Rejected object_name_taken when the account belongs
    to another environment, of another console perhaps.
    """
    owner = str(environment.pk)
    account = manifests.key_account(environment.slug, generation, owner)
    try:
        kube.apply(account, MANAGER, create_only=True)
    except Exists as error:
        _refuse_stranger(kube, account, owner, error.target)
    binding = manifests.deploy_binding(environment.namespace, owner, environment.slug, generation)
    for _ in range(BIND_TRIES):
        live = kube.get("RoleBinding", names.DEPLOY, environment.namespace)
        if bound_generation(live, environment) > generation:
            return
        try:
            # By the version that was looked at: two owners that bind at the same moment must not swap their order.
            version = None if live is None else str(live["metadata"]["resourceVersion"])
            kube.apply(binding, MANAGER, create_only=live is None, resource_version=version, force=True)
        except (Exists, Outdated):
            continue
        return
    raise Outdated(f"RoleBinding/{names.DEPLOY}")


def bound_generation(binding: Manifest | None, environment: Environment) -> int:
    """Give the generation of the key that a binding of this environment names; 0 when it names none."""
    if binding is None or (binding["metadata"].get("labels") or {}).get(labels.ENVIRONMENT) != str(environment.pk):
        return 0
    subjects = binding.get("subjects") or [{}]
    slug, _, number = str(subjects[0].get("name", "")).rpartition("-")
    return int(number) if slug == environment.slug and number.isdecimal() else 0


def is_bound(kube: Kube, environment: Environment, generation: int) -> bool:
    """Tell whether the key of that generation is there, and the environment's binding names it."""
    if kube.get("ServiceAccount", names.key(environment.slug, generation), names.SYSTEM_NAMESPACE) is None:
        return False
    return bound_generation(kube.get("RoleBinding", names.DEPLOY, environment.namespace), environment) == generation


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
