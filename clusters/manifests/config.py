"""Variables that are secret, files, and pull credentials: objects named by their content, immutable."""

from __future__ import annotations

import json
from dataclasses import dataclass

from clusters.manifests import names
from clusters.manifests.scope import Manifest, PullCredential, Request, encoded
from clusters.spec.image import DOCKER_HUB, parse_reference
from clusters.spec.shape import Component
from clusters.spec.text import fill, names_in

DOCKER_HUB_KEY = "https://index.docker.io/v1/"


def secret_variables(request: Request, component: Component) -> Manifest | None:
    """The Secret with a component's own secret variables; None when it has none."""
    key = component["key"]
    data = {
        variable["name"]: encoded(request.secret(key, variable["name"]))
        for variable in component["variables"]
        if variable.get("secret")
    }
    return _secret(request, key, "env", data) if data else None


@dataclass(frozen=True)
class Files:
    """Where a component's files lie: the ones without secrets in a ConfigMap, the others in a Secret.

    The key of a file is `f` and its place in the component's list.
    """

    config_map: Manifest | None
    secret: Manifest | None
    open_indexes: tuple[int, ...]
    secret_indexes: tuple[int, ...]


def files(request: Request, component: Component) -> Files:
    """Render the files of a component, with `${NAME}` filled in."""
    visible = request.visible(component)
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for index, file in enumerate(component["files"]):
        text = fill(file["content"], lambda name: visible[name][0])
        if any(visible[name][1] for name in names_in(file["content"])):
            secret[f"f{index}"] = encoded(text)
        else:
            plain[f"f{index}"] = text
    return Files(
        config_map=_config_map(request, component["key"], plain) if plain else None,
        secret=_secret(request, component["key"], "files", secret) if secret else None,
        open_indexes=tuple(int(name[1:]) for name in plain),
        secret_indexes=tuple(int(name[1:]) for name in secret),
    )


def pull_credential(request: Request, component: Component) -> Manifest | None:
    """The Secret with the credential for a component's own registry; None when the image needs none of its own."""
    key = component["key"]
    credential = request.pulls.get(key)
    reference = component["image"].get("reference")
    if credential is None or reference is None:
        return None
    content = docker_config({parse_reference(reference).host: credential})
    data = {".dockerconfigjson": encoded(content)}
    manifest = _secret(request, key, "pull", data)
    manifest["type"] = "kubernetes.io/dockerconfigjson"
    return manifest


def docker_config(credentials: dict[str, PullCredential]) -> str:
    """The content of a pull secret: registry host → account. Sorted, so that the same accounts give the same bytes."""
    auths = {
        (DOCKER_HUB_KEY if host == DOCKER_HUB else host): {
            "username": credential["user"],
            "password": credential["password"],
            "auth": encoded(f"{credential['user']}:{credential['password']}"),
        }
        for host, credential in sorted(credentials.items())
    }
    return json.dumps({"auths": auths}, ensure_ascii=False, separators=(",", ":"))


def _config_map(request: Request, key: str, data: dict[str, str]) -> Manifest:
    name = names.content_named(request.app, key, "files", data, request.salt)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": request.metadata(name, key),
        "immutable": True,
        "data": data,
    }


def _secret(request: Request, key: str, what: str, data: dict[str, str]) -> Manifest:
    name = names.content_named(request.app, key, what, data, request.salt)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": request.metadata(name, key),
        "type": "Opaque",
        "immutable": True,
        "data": data,
    }
