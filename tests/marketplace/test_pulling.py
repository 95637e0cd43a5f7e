"""Whether a cluster can pull: what a pod's states say, and the trial on a real cluster."""

from __future__ import annotations

import ipaddress
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from clusters.images import resolve
from clusters.kube import connect
from clusters.kube.client import Client
from console.kit.errors import Invalid, Rejected
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from marketplace import pulling, registries
from marketplace.models import ImageRegistry
from marketplace.pulling import Trial
from marketplace.registry import probe
from marketplace.registry.client import Registry
from operations.engine.loop import Loop
from tests.cast import Cast
from tests.clusters.working import connect_row, ended, steps_of
from tests.marketplace import world


def pod(state: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"name": "probe", "state": state, **status}]}}


@pytest.mark.parametrize(
    ("seen", "pulled"),
    [
        ({}, False),
        (pod({}), False),
        (pod({"waiting": {"reason": "ContainerCreating"}}), False),
        (pod({"waiting": {"reason": "ContainerCreating"}}, imageID="r/x@sha256:1"), True),
        (pod({"waiting": {"reason": "CreateContainerError"}}), True),
        (pod({"waiting": {"reason": "RunContainerError", "message": "no such file"}}), True),
        (pod({"terminated": {"reason": "StartError"}}), True),
        (pod({"running": {}}), True),
    ],
)
def test_an_image_counts_as_pulled_once_its_start_was_tried(seen: dict[str, Any], pulled: bool) -> None:
    assert pulling.is_pulled(seen, "here") is pulled


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "RegistryUnavailable"])
def test_what_the_node_says_against_it_is_told(reason: str) -> None:
    seen = pod({"waiting": {"reason": reason, "message": "x509: certificate signed by unknown authority"}})
    with pytest.raises(Rejected) as refused:
        pulling.is_pulled(seen, "Qingdao")
    assert (refused.value.code, refused.value.params) == (
        "pull_failed",
        {"cluster": "Qingdao", "words": "x509: certificate signed by unknown authority"},
    )


@pytest.fixture
def kube(cast: Cast, cluster: LocalCluster) -> Iterator[Client]:
    yield connect.for_cluster(connect_row(cast.enterprise, cluster))
    connect.close_all()


def trial_of(registry: RegistryFacts) -> Trial:
    return Trial(
        reference=f"{registry.address}/library/waybill-probe@sha256:{'a' * 64}",
        registry=registry.address,
        user=registry.pull_user,
        password=registry.pull_password,
        namespace=f"waybill-check-{uuid.uuid4().hex[:8]}",
    )


def test_a_trial_can_be_begun_again_and_leaves_nothing_behind(kube: Client, registry: RegistryFacts) -> None:
    trial = trial_of(registry)
    for _ in range(2):
        assert pulling.try_pull(kube, trial, cluster="here", pause=time.sleep) == "played"
    secret = kube.get("Secret", "waybill-registry", trial.namespace)
    assert secret is not None and secret["type"] == "kubernetes.io/dockerconfigjson"
    pulling.remove(kube, trial.namespace)
    pulling.remove(kube, trial.namespace)
    left = kube.get("Namespace", trial.namespace)
    assert left is None or "deletionTimestamp" in left["metadata"]


def test_a_namespace_that_is_not_ours_stays(kube: Client, registry: RegistryFacts) -> None:
    name = trial_of(registry).namespace
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    pulling.remove(kube, name)
    live = kube.get("Namespace", name)
    assert live is not None and "deletionTimestamp" not in live["metadata"]
    kube.delete("Namespace", name, uid=live["metadata"]["uid"])


# --- References made exact -------------------------------------------------------------------------------------------


def shared(cast: Cast, registry: RegistryFacts, **columns: Any) -> ImageRegistry:
    return world.make_registry(
        cast.admin,
        registry.address,
        account=(registry.user, registry.password),
        ca_pem=registry.ca_pem,
        plain_http=False,
        **columns,
    )


def test_a_tag_becomes_a_digest_with_every_platform_behind_it(
    cast: Cast, registry: RegistryFacts, sample_images: dict[str, dict[str, str]]
) -> None:
    shared(cast, registry)
    found = resolve(sample_images["1.0"]["web"], enterprise=cast.enterprise)
    assert found.source == sample_images["1.0"]["web"]
    assert found.pull == f"{registry.address}/dev/web@{found.digest}"
    assert found.media_type == "application/vnd.oci.image.index.v1+json"
    assert {platform["architecture"] for platform in found.platforms} == {"amd64", "arm64"}
    assert all(platform["config"].startswith("sha256:") for platform in found.platforms)
    assert found.bytes > 1_000_000
    child = resolve(f"{registry.address}/dev/web@{found.platforms[0]['digest']}", enterprise=cast.enterprise)
    assert child.platforms == [found.platforms[0]]
    assert resolve(sample_images["2.0"]["web"], enterprise=cast.enterprise).digest != found.digest


def test_what_cannot_be_resolved_says_why(
    cast: Cast, registry: RegistryFacts, sample_images: dict[str, dict[str, str]], settings: Any
) -> None:
    reference = sample_images["1.0"]["web"]

    def code(text: str, credential: dict[str, str] | None = None) -> str:
        with pytest.raises((Rejected, Invalid)) as refused:
            resolve(text, credential, enterprise=cast.enterprise)
        return refused.value.code

    assert code("Not A Reference") == "reference_not_valid"
    assert code(reference) == "tls_not_trusted", "an unknown registry is trusted as the system trusts it"
    settings.WAYBILL_OUTBOUND_ALLOW = ()
    assert code(reference) == "address_denied", "and may not lie in a private network"
    settings.WAYBILL_OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
    shared(cast, registry)
    assert code(f"{registry.address}/dev/web:nope") == "image_not_found"
    assert code(f"{registry.address}/dev/nope:1") == "image_not_found"
    assert code(reference, {"user": registry.user, "password": "wrong"}) == "registry_refused_login"
    own = {"user": registry.pull_user, "password": registry.pull_password}
    assert resolve(reference, own, enterprise=cast.enterprise).digest


def test_the_account_of_one_enterprise_is_no_other_ones(
    cast: Cast, registry: RegistryFacts, sample_images: dict[str, dict[str, str]]
) -> None:
    shared(cast, registry)
    with pytest.raises(Rejected) as refused:
        resolve(sample_images["1.0"]["web"], enterprise=cast.elsewhere)
    assert refused.value.code == "tls_not_trusted"


def test_a_probe_is_another_image_every_time(cast: Cast, registry: RegistryFacts) -> None:
    place = registries.push_place(shared(cast, registry))
    with Registry(place) as target:
        digests = {probe.push(target, "library-probe") for _ in range(2)}
        assert len(digests) == 2
        for digest in digests:
            assert target.delete_manifest("library-probe/waybill-probe", digest)


def test_the_check_of_a_new_cluster_pulls_from_the_registry(
    loop: Loop, people: Cast, cluster: LocalCluster, registry: RegistryFacts
) -> None:
    shared(people, registry, pull_user=None)
    body = {"endpoint": cluster.endpoint, "token": cluster.admin_token, "ca_pem": cluster.ca_pem}
    answer = people.api("admin").post("cluster-checks", body, headers=world.key())
    assert answer.status_code == 202, answer.content
    operation = ended(answer.json()["id"])
    assert operation.state == "succeeded"
    assert steps_of(operation)["registry_pull"] == "done"
    left = cluster.api("GET", f"/api/v1/namespaces/waybill-check-{operation.name}")
    assert left[0] == 404 or "deletionTimestamp" in left[1]["metadata"]

    row = ImageRegistry.objects.get()
    row.seal_passwords("wrong", None)
    row.save()
    again = ended(people.api("admin").post("cluster-checks", body, headers=world.key()).json()["id"])
    step = again.steps.get(key="registry_pull")
    assert (again.state, step.state, step.message_code) == ("succeeded", "warning", "registry_refused_login")
