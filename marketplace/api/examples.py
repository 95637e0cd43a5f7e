"""Examples of what the market's addresses read and answer: shown in the documentation, held true by tests."""

from __future__ import annotations

from typing import Any

from console.kit.api import MapOf

DIGEST = "sha256:de7054699c48e2d03d03020348f220acd9669eb0f16a9f217705d33b7252ef46"
HASH = "139d544b821b13ebea14f1b0fe18577222e415c2966e3a3511c4196055232202"

SETTINGS: dict[str, Any] = {
    "address": "registry.example.com",
    "prefix": "library",
    "user": "ci-push",
    "password": "p",
    "pull_user": None,
    "pull_password": None,
    "ca_pem": None,
    "plain_http": False,
}
REGISTRY: dict[str, Any] = {
    "address": "registry.example.com",
    "prefix": "library",
    "user": "ci-push",
    "pull_user": "ci-pull",
    "password_set": True,
    "ca_pem": None,
    "plain_http": False,
    "tested": {
        "operation": "op-31",
        "at": "2026-03-02T13:00:00Z",
        "by": "admin",
        "login": "pass",
        "push": "pass",
        "pull": MapOf({"aliyun-qingdao": "pass"}),
    },
    "saved_untested": False,
    "versions_elsewhere": 0,
}
SAVED: dict[str, Any] = {**REGISTRY, "operation": "op-40"}

PUBLISH: dict[str, Any] = {
    "template": {"slug": "admin-console"},
    "number": "2.0",
    "alias": None,
    "notes": "faster export",
    "components": ["web", "api", "db"],
    "parameters": [
        {"address": "web.variables.LOG_LEVEL", "label": "Log level", "type": "choice", "choices": ["debug", "info"]}
    ],
    "confirm_by_itself": False,
}
PUBLICATION: dict[str, Any] = {
    "number": 2,
    "state": "copying",
    "template": "admin-console",
    "version": "2.0",
    "revision": 7,
    "confirm_by_itself": False,
    "operation": "op-40",
    "images": [
        {
            "path": "admin-console/web",
            "source": "registry.example.com/dev/web:2.0",
            "digest": DIGEST,
            "state": "copying",
            "bytes_total": 8400211,
            "bytes_done": 5100000,
            "bytes_there": 2100000,
            "problem": {"code": "image_not_found", "params": None, "title": "There is no such image.", "detail": "…"},
        }
    ],
}
TEMPLATE: dict[str, Any] = {
    "slug": "admin-console",
    "name": "Back office",
    "team": "test-internal",
    "scope": "enterprise",
    "intro": "Admin back office",
    "tags": ["Java"],
    "newest_release": "2.0",
    "newest": "2.1",
    "installed_in": 3,
}
PLACE: dict[str, Any] = {"environment": "test-internal", "app": "admin-console-2", "revision": 1}
MARK: dict[str, Any] = {
    "mark": "release",
    "by": "hanmei",
    "at": "2026-03-02T08:20:00Z",
    "reason": "412/412, OPS-77",
    "verified_on": PLACE,
}
VERSION: dict[str, Any] = {
    "template": "admin-console",
    "number": "2.0",
    "alias": None,
    "notes": "faster export",
    "state": "published",
    "mark": "release",
    "marked": {name: value for name, value in MARK.items() if name != "mark"},
    "content_hash": HASH,
    "registry": "registry.example.com/library",
    "bytes": 41200331,
    "published_by": "lilei",
    "published_at": "2026-03-01T10:00:00Z",
    "installed_in": ["prod-qingdao"],
}
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "template": "admin-console",
    "number": "2.0",
    "origin": {"environment": "test-internal", "app": "admin-console", "revision": 7, "document_hash": HASH},
    "components": [],
    "parameters": [],
}
INSTALL: dict[str, Any] = {
    "template": "admin-console",
    "version": "2.0",
    "environments": ["prod-qingdao", "prod-shanghai"],
    "app": {"slug": "admin-console", "name": "Back office"},
    "values": {"web.replicas": 3},
    "values_by_environment": {"prod-shanghai": {"web.replicas": 2}},
    "plan_id": "op-4820",
}
UPGRADE: dict[str, Any] = {
    "version": "2.0",
    "values": {"web.variables.LOG_LEVEL": "info"},
    "reset": [],
    "consents": ["overwrite_changes"],
    "plan_id": "op-4820",
}
ROLLBACK: dict[str, Any] = {"revision": 2, "consents": [], "confirm_name": None, "plan_id": None}
