"""The workload of a component: a Deployment or a StatefulSet, restricted by default."""

from __future__ import annotations

from typing import Any

from clusters.manifests import labels, names, storage
from clusters.manifests.config import Files
from clusters.manifests.scope import Manifest, Request
from clusters.spec.component import is_single_writer
from clusters.spec.image import pull_reference
from clusters.spec.shape import Component, Probe
from clusters.spec.text import escape_value

HISTORY = 2


def workload(
    request: Request, component: Component, files: Files, env_secrets: dict[str, str], pull: str | None
) -> Manifest:
    """Render the workload. `env_secrets`: component key → its env Secret's name; `pull`: its own pull secret's."""
    key, app = component["key"], request.app
    template = {
        "metadata": {"labels": labels.common(app, request.application_id, request.part_of, key)},
        "spec": _pod(request, component, files, env_secrets, pull),
    }
    spec: dict[str, Any] = {
        "replicas": 0 if request.stopped else component["replicas"]["default"],
        "revisionHistoryLimit": HISTORY,
        "selector": {"matchLabels": labels.selector(app, key)},
        "template": template,
    }
    stateful = component["kind"] == "stateful"
    spec |= _stateful(request, component) if stateful else _stateless(component)
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet" if stateful else "Deployment",
        "metadata": request.metadata(names.workload(app, key), key),
        "spec": spec,
    }


def _stateless(component: Component) -> dict[str, Any]:
    # A volume that one node may write cannot be handed over while the old pod holds it.
    strategy: dict[str, Any] = {"type": "Recreate"}
    if not is_single_writer(component):
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    return {"progressDeadlineSeconds": component["start_timeout"], "strategy": strategy}


def _stateful(request: Request, component: Component) -> dict[str, Any]:
    # Parallel: with OrderedReady a rollback never replaces a broken pod, and the field cannot be changed later.
    spec: dict[str, Any] = {
        "serviceName": names.headless(request.app, component["key"]),
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    }
    if component["volumes"]:
        spec["volumeClaimTemplates"] = storage.claim_templates(request, component)
    return spec


def _pod(
    request: Request, component: Component, files: Files, env_secrets: dict[str, str], pull: str | None
) -> dict[str, Any]:
    pulls = [{"name": pull}] if pull else []
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "imagePullSecrets": [*pulls, {"name": names.REGISTRY_SECRET}],
        "securityContext": _pod_security(component),
        "containers": [_container(request, component, files, env_secrets)],
    }
    volumes = _file_volumes(component, files)
    if component["kind"] == "stateless":
        volumes += [
            {
                "name": volume["name"],
                "persistentVolumeClaim": {"claimName": names.claim(request.app, component["key"], volume["name"])},
            }
            for volume in component["volumes"]
        ]
    if volumes:
        pod["volumes"] = volumes
    return pod


def _pod_security(component: Component) -> dict[str, Any]:
    context: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    run_as = component["run_as"]
    if run_as is not None:
        context |= {"runAsUser": run_as["user"], "runAsGroup": run_as["group"], "fsGroup": run_as["group"]}
        context["fsGroupChangePolicy"] = "OnRootMismatch"
    return context


def _container(request: Request, component: Component, files: Files, env_secrets: dict[str, str]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": component["key"],
        "image": pull_reference(component["image"], request.pull_prefix),
        "imagePullPolicy": "IfNotPresent",
        "resources": {
            "requests": dict(component["resources"]["requests"]),
            "limits": dict(component["resources"]["limits"]),
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    optional: dict[str, Any] = {
        "command": list(component["command"]),
        "args": list(component["args"]),
        "env": _env(request, component, env_secrets),
        "ports": [
            {"name": port["name"], "containerPort": port["number"], "protocol": port["protocol"]}
            for port in component["ports"]
        ],
        "volumeMounts": _mounts(component, files),
    }
    container |= {name: value for name, value in optional.items() if value}
    for name, probe in component["probes"].items():
        container[f"{name}Probe"] = _probe(probe)
    return container


def _env(request: Request, component: Component, env_secrets: dict[str, str]) -> list[dict[str, Any]]:
    env = [
        _from_secret(item.name, env_secrets[item.provider], item.secret)
        if item.secret is not None
        else _plain(item.name, item.value or "")
        for item in request.injected(component)
    ]
    for variable in component["variables"]:
        if variable.get("secret"):
            env.append(_from_secret(variable["name"], env_secrets[component["key"]], variable["name"]))
        else:
            env.append(_plain(variable["name"], variable.get("value", "")))
    return env


def _plain(name: str, value: str) -> dict[str, Any]:
    # The server stores an empty value as absent; what is sent must be what is read back.
    return {"name": name, "value": escape_value(value)} if value else {"name": name}


def _from_secret(name: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _file_volumes(component: Component, files: Files) -> list[dict[str, Any]]:
    def items(indexes: tuple[int, ...]) -> list[dict[str, Any]]:
        return [
            {"key": f"f{index}", "path": f"f{index}", "mode": int(component["files"][index]["mode"], 8)}
            for index in indexes
        ]

    volumes: list[dict[str, Any]] = []
    if files.config_map is not None:
        source = {"name": files.config_map["metadata"]["name"], "items": items(files.open_indexes)}
        volumes.append({"name": "files", "configMap": source})
    if files.secret is not None:
        source = {"secretName": files.secret["metadata"]["name"], "items": items(files.secret_indexes)}
        volumes.append({"name": "secret-files", "secret": source})
    return volumes


def _mounts(component: Component, files: Files) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = []
    for index, file in enumerate(component["files"]):
        name = "files" if index in files.open_indexes else "secret-files"
        mounts.append({"name": name, "mountPath": file["path"], "subPath": f"f{index}", "readOnly": True})
    mounts += [{"name": volume["name"], "mountPath": volume["path"]} for volume in component["volumes"]]
    return mounts


def _probe(probe: Probe) -> dict[str, Any]:
    timings = {
        "initialDelaySeconds": probe["initial_delay"],
        "periodSeconds": probe["period"],
        "timeoutSeconds": probe["timeout"],
        "failureThreshold": probe["failures"],
    }
    if probe["kind"] == "command":
        return {"exec": {"command": list(probe["command"])}, **timings}
    if probe["kind"] == "tcp":
        return {"tcpSocket": {"port": probe["port"]}, **timings}
    return {"httpGet": {"path": probe["path"], "port": probe["port"]}, **timings}
