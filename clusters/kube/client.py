"""The client of one cluster: paths, preconditions, time limits, and one function that sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import orjson

from clusters.kube import streams
from clusters.kube.errors import Absent, Exists, FieldConflict, Outdated
from clusters.kube.kinds import KINDS, path
from clusters.kube.protocol import Answer, Change, Guard, Listing, LogText, Manifest, Propagation
from clusters.kube.sender import JSON, READ_SECONDS, WRITE_SECONDS, Request, Sender

SERVER_SECONDS = 5
PAGE = 500

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Client(Sender):
    """One cluster, one identity. Made by `clusters.kube.connect`."""

    def bound(self, guard: Guard, step: str = "") -> Client:
        """Give the same cluster and identity with the guard of an operation before each write."""
        identity = self.identity.bound(guard, step)
        return Client(self.channel, identity, self.cluster, agent=guard.user_agent(step), check=guard.before_write)

    # --- Reading -------------------------------------------------------------------------------------------------

    def version(self, *, timeout: float = 5.0) -> dict[str, Any]:
        """Ask which version the server is; `timeout` in seconds."""
        return self.ask(Request("GET", "/version", {}, "", "version", seconds=timeout)).body

    def get(
        self, kind: str, name: str, namespace: str | None = None, *, timeout: float = READ_SECONDS
    ) -> Manifest | None:
        """Read one object; None when it does not exist."""
        request = Request("GET", path(kind, namespace, name), {}, kind, f"{kind}/{name}", seconds=timeout)
        try:
            return self.ask(request).body
        except Absent:
            return None

    def list(
        self, kind: str, namespace: str | None = None, *, selector: str = "", fields: str = "", page: int = PAGE
    ) -> Listing:
        """Read all objects of a kind that the selectors match, in pages, as of now."""
        query = {"limit": str(page)}
        query |= {"labelSelector": selector} if selector else {}
        query |= {"fieldSelector": fields} if fields else {}
        items: list[Manifest] = []
        more = ""
        while True:
            asked = query | ({"continue": more} if more else {})
            reply = self.send(Request("GET", path(kind, namespace), asked, kind, kind))
            if reply.status == 410 and more:
                items, more = [], ""  # the pages' common point in time is gone: begin again
                continue
            if reply.status != 200:
                raise self.error(Request("GET", path(kind, namespace), asked, kind, kind), reply)
            items += reply.body.get("items") or []
            metadata = reply.body.get("metadata") or {}
            more = metadata.get("continue") or ""
            if not more:
                break
        api_version = KINDS[kind].api_version
        for item in items:
            item.setdefault("apiVersion", api_version)
            item.setdefault("kind", kind)
        return Listing(items, str(metadata.get("resourceVersion", "")))

    def rules(self, namespace: str) -> dict[str, Any]:
        """Ask what this identity may do in a namespace."""
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        kind = "SelfSubjectRulesReview"
        status: dict[str, Any] = self.ask(Request("POST", path(kind), {}, kind, kind, body)).body.get("status") or {}
        return status

    def who(self) -> str:
        """Ask as whom the server sees this identity (SelfSubjectReview): a user name."""
        kind = "SelfSubjectReview"
        body = {"apiVersion": KINDS[kind].api_version, "kind": kind}
        status = self.ask(Request("POST", path(kind), {}, kind, kind, body)).body.get("status") or {}
        return str((status.get("userInfo") or {}).get("username", ""))

    def may(
        self, verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        """Ask whether this identity may do one thing."""
        kind = "SelfSubjectAccessReview"
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace, "name": name}
        attributes |= {"subresource": subresource} if subresource else {}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": {"resourceAttributes": attributes}}
        status = self.ask(Request("POST", path(kind), {}, kind, kind, body)).body.get("status") or {}
        return bool(status.get("allowed"))

    def watch(
        self, kind: str, namespace: str | None, *, selector: str = "", resource_version: str, seconds: int = 300
    ) -> AbstractContextManager[Iterator[Change]]:
        """Follow changes from a LIST's resourceVersion."""
        query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        query |= {"resourceVersion": resource_version} | ({"labelSelector": selector} if selector else {})
        request = Request("GET", path(kind, namespace), query, kind, kind)
        return streams.changes(self.open, request.address, kind)

    def log(
        self,
        pod: str,
        namespace: str,
        container: str,
        *,
        tail: int = 200,
        follow: bool = False,
        previous: bool = False,
        limit: int = 1 << 20,
    ) -> AbstractContextManager[LogText]:
        """Read a container's log."""
        query = {"container": container, "tailLines": str(tail), "limitBytes": str(limit)}
        query |= ({"follow": "true"} if follow else {}) | ({"previous": "true"} if previous else {})
        request = Request("GET", path("Pod", namespace, pod, "log"), query, "Pod", f"Pod/{pod}")
        return streams.log(self.open, request.address, limit)

    # --- Writing -------------------------------------------------------------------------------------------------

    def _write(self, request: Request) -> Answer:
        reply = self.ask(request)
        return Answer(reply.body, reply.status == 201, reply.warnings)

    def apply(
        self,
        manifest: Manifest,
        manager: str,
        *,
        create_only: bool = False,
        uid: str | None = None,
        resource_version: str | None = None,
        dry_run: bool = False,
        force: bool = False,
    ) -> Answer:
        """Apply server-side under a field manager, with the preconditions given."""
        kind, metadata = manifest["kind"], dict(manifest["metadata"])
        if create_only:
            metadata["resourceVersion"] = "1"
        elif resource_version:
            metadata["resourceVersion"] = resource_version
        if uid:
            metadata["uid"] = uid
        request = self._writing(
            "PATCH",
            f"{kind}/{metadata['name']}",
            path(kind, metadata.get("namespace"), metadata["name"]),
            orjson.dumps({**manifest, "metadata": metadata}),
            content_type=APPLY,
            dry_run=dry_run,
            fieldManager=manager,
            force="true" if force else "false",
        )
        try:
            return self._write(request)
        except (Outdated, FieldConflict) as error:
            if create_only:  # whatever the server compared first: something of that name is there
                raise Exists(request.target) from error
            raise

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Answer:
        """POST one object."""
        kind, metadata = manifest["kind"], manifest["metadata"]
        name, namespace = metadata.get("name") or metadata.get("generateName", ""), metadata.get("namespace")
        target = f"{kind}/{name}"
        return self._write(self._writing("POST", target, path(kind, namespace), manifest, dry_run=dry_run))

    def patch_merge(self, kind: str, name: str, namespace: str | None, patch: Manifest) -> Answer:
        """Merge-patch one object."""
        address = path(kind, namespace, name)
        request = self._writing("PATCH", f"{kind}/{name}", address, patch, content_type=MERGE, dry_run=False)
        return self._write(request)

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        uid: str,
        resource_version: str | None = None,
        propagation: Propagation = "Background",
        dry_run: bool = False,
    ) -> Manifest | None:
        """Delete one object by its uid; None when it was gone already."""
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        body: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        body |= {"propagationPolicy": propagation} | ({"dryRun": ["All"]} if dry_run else {})
        request = self._writing("DELETE", f"{kind}/{name}", path(kind, namespace, name), body, dry_run=dry_run)
        try:
            return self._write(request).object
        except Absent:
            return None

    def token(self, service_account: str, namespace: str, *, seconds: int = 3600) -> dict[str, Any]:
        """Ask for a token of a ServiceAccount."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        address = path("ServiceAccount", namespace, service_account, "token")
        target = f"ServiceAccount/{service_account}"
        request = Request("POST", address, {}, "ServiceAccount", target, body, writes=True, seconds=WRITE_SECONDS)
        status: dict[str, Any] = self.ask(request).body["status"]
        return status

    @staticmethod
    def _writing(
        method: str, target: str, address: str, body: Any, *, content_type: str = JSON, dry_run: bool, **query: str
    ) -> Request:
        """Prepare a write: strict fields, the server's own time limit, and a dry run where asked for."""
        query["timeout"] = f"{SERVER_SECONDS}s"
        if method != "DELETE":
            query["fieldValidation"] = "Strict"
            query |= {"dryRun": "All"} if dry_run else {}
        kind = target.partition("/")[0]
        return Request(
            method, address, query, kind, target, body, content_type, writes=not dry_run, seconds=WRITE_SECONDS
        )
