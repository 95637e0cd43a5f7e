"""Examples of what the addresses of operations answer; the API's documentation shows them, and tests hold them true."""

from __future__ import annotations

from typing import Any

OPERATION: dict[str, Any] = {
    "id": "op-4821",
    "kind": "upgrade",
    "state": "running",
    "waiting_for": {"kind": "cluster", "name": "aliyun-qingdao", "since": "2026-03-02T14:03:00Z"},
    "cancel_requested": False,
    "cancellable": True,
    "changed": "part",
    "progress": {"done": 3, "total": 5, "unit": "components", "percent": 60},
    "steps": [
        {
            "key": "component:web",
            "state": "running",
            "seconds": 41,
            "message": {"code": "pulling_image", "params": None, "text": "node-1 is pulling the image"},
        }
    ],
    "subject": {"type": "app", "name": "Back office", "href": "/api/v1/environments/prod-qingdao/apps/admin-console"},
    "environment": "prod-qingdao",
    "cluster": "aliyun-qingdao",
    "parent": None,
    "children": [],
    "retry_of": None,
    "created_by": {"login": "zhaomin", "name": "Zhao Min"},
    "token": None,
    "created_at": "2026-03-02T14:02:11Z",
    "started_at": "2026-03-02T14:02:11Z",
    "finished_at": None,
    "deadline": "2026-03-02T16:02:11Z",
    "outcome": {
        "code": "registry_full",
        "params": None,
        "title": "The registry is full.",
        "detail": "Make room, then retry.",
        "next": ["retry", "rollback"],
    },
    "result": None,
    "links": {
        "self": "/api/v1/operations/op-4821",
        "html": "/operations/op-4821",
        "events": "/events/operations/op-4821",
        "log": "/api/v1/operations/op-4821/log",
        "cancel": "/api/v1/operations/op-4821/cancel",
        "retries": "/api/v1/operations/op-4821/retries",
    },
}
"""An operation. `params` and `result` hold what belongs to their code or kind."""

PLAN_OPERATION: dict[str, Any] = {**OPERATION, "kind": "plan", "plan": None}
"""An operation of kind `plan`: what it found is in `plan` once it has succeeded."""

EVENT: dict[str, Any] = {
    "id": 771,
    "at": "2026-03-02T14:05:58Z",
    "level": "info",
    "component": "web",
    "code": "layer_copied",
    "params": None,
    "text": "Layer 4 was copied.",
}
