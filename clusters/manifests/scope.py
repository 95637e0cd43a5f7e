"""What the renderers share: one application in one namespace, and one component of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict

from clusters.manifests import labels
from clusters.spec.application import Injected, by_key, injected
from clusters.spec.shape import Component
from console.kit.errors import FieldError, Invalid

Manifest = dict[str, Any]


class PullCredential(TypedDict):
    """The account with which a registry of one's own is read."""

    user: str
    password: str


@dataclass(frozen=True)
class Request:
    """Everything a rendering depends on, and nothing else.

    `components` have their values applied; `secrets` holds address → value; `pulls` component key → credential;
    `pull_prefix` is the registry's address and prefix, for published images that carry no `pull` yet.
    """

    app: str
    application_id: str
    part_of: str
    namespace: str
    components: Sequence[Component]
    salt: bytes
    secrets: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, PullCredential] = field(default_factory=dict)
    stopped: bool = False
    pull_prefix: str | None = None

    @cached_property
    def known(self) -> dict[str, Component]:
        """The components by key."""
        return by_key(self.components)

    def metadata(self, name: str, component: str | None) -> dict[str, Any]:
        """Name, namespace and labels of one object."""
        return {
            "name": name,
            "namespace": self.namespace,
            "labels": labels.common(self.app, self.application_id, self.part_of, component),
        }

    def secret(self, component: str, variable: str) -> str:
        """The value of a secret variable. Raises Invalid (`value_missing`) when there is none."""
        address = f"{component}.variables.{variable}"
        if address not in self.secrets:
            missing = FieldError(f"/values/{address}", "value_missing", {"address": address})
            raise Invalid("invalid", errors=[missing])
        return self.secrets[address]

    def injected(self, component: Component) -> list[Injected]:
        """The connection info of a component."""
        return injected(component, self.known, self.app)

    def visible(self, component: Component) -> dict[str, tuple[str, bool]]:
        """Every variable a component's files may use: name → (value, whether it is secret)."""
        key = component["key"]
        found: dict[str, tuple[str, bool]] = {}
        for item in self.injected(component):
            if item.secret is None:
                found[item.name] = (item.value or "", False)
            else:
                found[item.name] = (self.secret(item.provider, item.secret), True)
        for variable in component["variables"]:
            if variable.get("secret"):
                found[variable["name"]] = (self.secret(key, variable["name"]), True)
            else:
                found[variable["name"]] = (variable.get("value", ""), False)
        return found


def encoded(text: str) -> str:
    """Base64, as a Secret's `data` wants it."""
    return base64.b64encode(text.encode()).decode()
