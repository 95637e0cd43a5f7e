"""The sample application as plain manifests, for clusters whose nodes really run it."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

from deploy.local.cluster import Cluster
from deploy.local.plan import RegistryFacts

Json = dict[str, Any]
SECRET = "pull"
PORTS = {"db": 5432, "api": 9000, "web": 8080}
VARIABLES = {
    "db": {"DATA_DIR": "/var/lib/db", "DB_PASSWORD": "word"},
    "api": {"DB_HOST": "db", "DB_PORT": "5432", "DB_PASSWORD": "word"},
    "web": {"API_HOST": "api", "API_PORT": "9000", "TITLE": "后台管理系统"},
    "worker": {"DB_HOST": "db", "DB_PORT": "5432", "DB_PASSWORD": "word"},
}


def pull_secret(registry: RegistryFacts) -> Json:
    """The Secret with which pods may pull."""
    pair = base64.b64encode(f"{registry.pull_user}:{registry.pull_password}".encode()).decode()
    content = json.dumps({"auths": {registry.address: {"auth": pair}}})
    data = {".dockerconfigjson": base64.b64encode(content.encode()).decode()}
    return {"metadata": {"name": SECRET}, "type": "kubernetes.io/dockerconfigjson", "data": data}


def pod(component: str, image: str, *, secret: str | None = SECRET) -> Json:
    """What a pod of the component is made of."""
    container: Json = {
        "name": component,
        "image": image,
        "args": [component],
        "env": [{"name": name, "value": value} for name, value in VARIABLES[component].items()],
    }
    made: Json = {"containers": [container], "terminationGracePeriodSeconds": 5}
    if component in PORTS:
        container["readinessProbe"] = {"tcpSocket": {"port": PORTS[component]}, "periodSeconds": 1}
    if component == "db":
        container["volumeMounts"] = [{"name": "data", "mountPath": "/var/lib/db"}]
    if secret is not None:
        made["imagePullSecrets"] = [{"name": secret}]
    return made


def workload(component: str, image: str) -> tuple[str, Json]:
    """A workload of one replica, and the kind of list it belongs to; the db is stateful, with a volume."""
    labels = {"app": component}
    spec: Json = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod(component, image)},
    }
    if component != "db":
        return "deployments", {"metadata": {"name": component}, "spec": spec}
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    return "statefulsets", {
        "metadata": {"name": component},
        "spec": {**spec, "serviceName": component, "volumeClaimTemplates": [claim]},
    }


def service(component: str) -> Json:
    """The Service of a component; the page's is open on a port of the node."""
    spec: Json = {"selector": {"app": component}, "ports": [{"port": PORTS[component]}]}
    if component == "web":
        spec["type"] = "NodePort"
    return {"metadata": {"name": component}, "spec": spec}


def deploy_sample(cluster: Cluster, namespace: str, registry: RegistryFacts, images: dict[str, str]) -> str:
    """Deploy db, api, web and worker; the address of the page."""
    cluster.create(f"/api/v1/namespaces/{namespace}/secrets", pull_secret(registry))
    for component in VARIABLES:
        kind, body = workload(component, images[component])
        cluster.create(f"/apis/apps/v1/namespaces/{namespace}/{kind}", body)
        if component in PORTS:
            cluster.create(f"/api/v1/namespaces/{namespace}/services", service(component))
    made = cluster.get(f"/api/v1/namespaces/{namespace}/services/web")
    return f"http://{cluster.facts.host}:{made['spec']['ports'][0]['nodePort']}"


def state(page: str) -> Json:
    """What the page says, as JSON. OSError when it does not open."""
    with urllib.request.urlopen(f"{page}/state", timeout=5) as answer:
        seen: Json = json.loads(answer.read())
    return seen


def add_row(page: str, text: str) -> None:
    """Fill the form of the page and send it."""
    with urllib.request.urlopen(f"{page}/rows", data=f"text={text}".encode(), timeout=5) as answer:
        assert answer.status == 200
