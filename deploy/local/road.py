"""The sample application as the road publishes it: two versions that differ in everything an upgrade can change."""

from __future__ import annotations

from typing import Any

TEST = ("test-internal", "测试-内网", "intranet", "test")
PRODUCTION = (
    ("prod-qingdao", "生产-青岛", "aliyun-qingdao", "production"),
    ("prod-shanghai", "生产-上海", "aliyun-shanghai", "production"),
)
TEMPLATE = {"slug": "admin-console", "name": "后台管理系统", "scope": "enterprise", "intro": "", "tags": ["demo"]}
APP = {"slug": "admin-console", "name": "后台管理系统"}

_PLAIN: dict[str, Any] = {
    "kind": "stateless",
    "command": [],
    "replicas": {"default": 1, "min": 1, "max": 3, "step": 1},
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
    "ports": [],
    "variables": [],
    "files": [],
    "volumes": [],
    "probes": {},
    "run_as": {"user": 10001, "group": 10001},
    "depends_on": [],
    "start_timeout": 120,
}


def _probe(kind: dict[str, Any]) -> dict[str, Any]:
    return {"readiness": {**kind, "initial_delay": 0, "period": 2, "timeout": 1, "failures": 3}}


def _port(name: str, number: int, alias: str, outside: str = "none") -> dict[str, Any]:
    return {"name": name, "number": number, "protocol": "TCP", "alias": alias, "inside": True, "outside": outside}


def components(images: dict[str, str], version: str, account: tuple[str, str]) -> list[dict[str, Any]]:
    """Give the components of `version` (1.0 or 2.0) as the API takes them; `images` maps component → reference."""
    second = version == "2.0"
    made = [_db()]
    if second:
        made.append(_cache())  # a component is named in depends_on only after it was made
    made += [_api(["db", "cache"] if second else ["db"]), _web("warn" if second else "info", version)]
    if not second:
        made.append({"key": "worker", "name": "后台任务", "depends_on": ["db"]})
    return [_whole(component, images[component["key"]], account) for component in made]


def _whole(component: dict[str, Any], reference: str, account: tuple[str, str]) -> dict[str, Any]:
    image = {"reference": reference, "user": account[0], "password": account[1]}
    return {**_PLAIN, **component, "image": image, "args": [component["key"]]}


def _db() -> dict[str, Any]:
    password = {"name": "DB_PASSWORD", "secret": True, "offered": True, "generate": _generated(24)}
    volume = {"name": "data", "path": "/var/lib/db", "kind": "persistent", "size": "1Gi", "storage_class": None}
    return {
        "key": "db",
        "name": "数据库",
        "kind": "stateful",
        "replicas": {"default": 1, "min": 1, "max": 1, "step": 1},
        "ports": [_port("db", 5432, "DB")],
        "variables": [
            {"name": "DB_USER", "value": "app", "offered": True},
            password,
            {"name": "DATA_DIR", "value": "/var/lib/db"},
        ],
        "volumes": [volume | {"access": "ReadWriteOnce"}],
        "probes": _probe({"kind": "command", "command": ["/sample", "db", "ping"]}),
    }


def _api(depends_on: list[str]) -> dict[str, Any]:
    return {
        "key": "api",
        "name": "接口",
        "ports": [_port("http", 9000, "API")],
        "variables": [{"name": "SESSION_KEY", "secret": True, "generate": _generated(32)}],
        "probes": _probe({"kind": "tcp", "port": "http"}),
        "depends_on": depends_on,
    }


def _web(level: str, version: str) -> dict[str, Any]:
    content = f"# {version}\napi = http://${{API_HOST}}:${{API_PORT}}\n"
    return {
        "key": "web",
        "name": "页面",
        "replicas": {"default": 2, "min": 1, "max": 5, "step": 1},
        "ports": [_port("http", 8080, "WEB", "node_port")],
        "variables": [{"name": "TITLE", "value": "后台管理系统"}, {"name": "LOG_LEVEL", "value": level}],
        "files": [{"path": "/etc/web/app.conf", "mode": "0444", "content": content}],
        "probes": _probe({"kind": "http", "port": "http", "path": "/health"}),
        "depends_on": ["api"],
    }


def _cache() -> dict[str, Any]:
    probes = _probe({"kind": "tcp", "port": "cache"})
    return {"key": "cache", "name": "缓存", "ports": [_port("cache", 6379, "CACHE")], "probes": probes}


def _generated(length: int) -> dict[str, Any]:
    return {"length": length, "alphabet": "alphanumeric"}


def parameters() -> list[dict[str, Any]]:
    """Give what the installer of either version may change."""
    return [
        {
            "address": "web.variables.LOG_LEVEL",
            "label": "日志级别",
            "type": "choice",
            "choices": ["debug", "info", "warn"],
        }
    ]
