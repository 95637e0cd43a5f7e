"""REST: checking, connecting, showing, changing and removing clusters."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from clusters.actions import clusters as actions
from clusters.models import Cluster
from clusters.present import cluster_json, clusters_json
from console.kit.api import SIGNED_IN, Body, Endpoint, SecretField, operation
from operations.doors import StartsWork
from operations.examples import OPERATION

EXAMPLE = {
    "slug": "aliyun-qingdao",
    "name": "Qingdao",
    "endpoint": "https://10.77.0.12:6443",
    "uid": "8b1c2f64-0000-4000-8000-5d2a9e7c1f30",
    "version": "v1.36.3",
    "health": {
        "state": "online",
        "code": None,
        "seen_at": "2026-03-02T14:02:09Z",
        "probed_at": "2026-03-02T14:02:09Z",
    },
    "capacity": {
        "nodes_ready": 1,
        "nodes_total": 1,
        "cpu": {"allocatable": "8", "requested": "2350m", "used": None},
        "memory": {"allocatable": "16Gi", "requested": "6Gi", "used": None},
        "at": "2026-03-02T14:02:05Z",
    },
    "credential": {"kind": "token", "expires_at": None},
    "node_address": "10.77.0.12",
    "ingress_class": None,
    "ingress_domain": None,
    "environments": ["prod-qingdao"],
}


class ConnectionBody(Body):
    """A kubeconfig, or address, token and CA."""

    kubeconfig = SecretField(required=False, max_length=1 << 20)
    endpoint = serializers.CharField(required=False, max_length=300)
    token = SecretField(required=False, max_length=actions.TOKEN_LONGEST)
    ca_pem = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=1 << 18)


class ClusterBody(Body):
    """The check that passed, and what the cluster is to be called."""

    check = serializers.CharField(max_length=30)
    slug = serializers.CharField(required=False, allow_blank=True, max_length=30)
    name = serializers.CharField(max_length=200)


class ClusterChangeBody(Body):
    """What may be changed of a cluster. `check` has passed with another address or credential of the same cluster."""

    check = serializers.CharField(required=False, max_length=30)
    name = serializers.CharField(required=False, max_length=200)
    node_address = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=253)
    ingress_class = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=63)
    ingress_domain = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=253)


class ClusterChecks(StartsWork):
    """Checks of clusters that are to be connected."""

    @operation(
        "manage_clusters",
        _("Check a cluster before connecting it"),
        body=ConnectionBody,
        example={"endpoint": "https://10.77.0.12:6443", "token": "t", "ca_pem": None},
        answers={202: OPERATION},
        starts_work=True,
        refuses=("kubeconfig_refused", "yaml_refused"),
    )
    def post(self, request: Request) -> HttpResponse:
        """Start a check; what was entered is kept sealed."""
        body = self.body()
        return self.start(lambda: actions.check_cluster(connection=body, acting_user=self.user))


class ClusterList(Endpoint):
    """The connected clusters."""

    @operation(SIGNED_IN, _("List clusters"), listed=True, answers={200: EXAMPLE})
    def get(self, request: Request) -> HttpResponse:
        """List the clusters one may see: all for those who manage them, none for others."""
        return self.paginated(Cluster.objects.permitted(self.user), order=("slug",), present_all=clusters_json)

    @operation(
        "manage_clusters",
        _("Connect a cluster that passed its check"),
        body=ClusterBody,
        example={"check": "op-3", "slug": "aliyun-qingdao", "name": "Qingdao"},
        answers={201: EXAMPLE},
        refuses=(
            "check_failed",
            "check_expired",
            "cluster_connected_already",
            "operation_in_progress",
            "slug_taken",
            "name_taken",
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        """Connect it."""
        body = self.body()
        cluster = actions.connect_cluster(
            check=body["check"], slug=body.get("slug") or None, name=body["name"], acting_user=self.user
        )
        return self.created(
            cluster_json(cluster), location=f"/api/v1/clusters/{cluster.slug}", version=cluster.row_version
        )


class ClusterPage(Endpoint):
    """One cluster."""

    @operation(SIGNED_IN, _("Show a cluster"), answers={200: EXAMPLE})
    def get(self, request: Request, cluster: str) -> HttpResponse:
        """Show it."""
        row = self.found(Cluster.objects.permitted(self.user), slug=cluster)
        return self.resource(cluster_json(row), version=row.row_version)

    @operation(
        "manage_clusters",
        _("Change a cluster"),
        body=ClusterChangeBody,
        partial=True,
        example={"name": "Qingdao", "node_address": None, "ingress_class": "nginx", "ingress_domain": "example.com"},
        answers={200: EXAMPLE},
        refuses=(
            *("name_taken", "another_cluster", "check_failed", "check_expired", "operation_in_progress"),
            "etag_mismatch",
        ),
        about=_("`check` names a passed check of the same cluster: its address and credential are used from now on."),
    )
    def patch(self, request: Request, cluster: str) -> HttpResponse:
        """Change name, node address or Ingress, or replace the credential; both or nothing."""
        row = self.found(Cluster.objects.permitted(self.user), slug=cluster)
        changes, expected = self.body(), self.expected_version()
        check = changes.pop("check", None)
        with transaction.atomic():
            if check:
                row = actions.replace_credentials(
                    cluster=row, check=check, acting_user=self.user, expected_version=expected
                )
                expected = None
            changed = actions.change_cluster(
                cluster=row, changes=changes, acting_user=self.user, expected_version=expected
            )
        return self.resource(cluster_json(changed), version=changed.row_version)

    @operation("manage_clusters", _("Remove a cluster"), answers={204: None}, refuses=("in_use", "etag_mismatch"))
    def delete(self, request: Request, cluster: str) -> HttpResponse:
        """Let go of it."""
        row = self.found(Cluster.objects.permitted(self.user), slug=cluster)
        actions.remove_cluster(cluster=row, acting_user=self.user, expected_version=self.expected_version())
        return self.nothing()
