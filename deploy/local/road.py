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

_SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
_RUN_AS = {"user": 10001, "group": 10001}


def _probe(kind: dict[str, Any]) -> dict[str, Any]:
    return {"readiness": {**kind, "initial_delay": 0, "period": 2, "timeout": 1, "failures": 3}}


def _port(name: str, number: int, alias: str, outside: str = "none") -> dict[str, Any]:
    return {"name": name, "number": number, "protocol": "TCP", "alias": alias, "inside": True, "outside": outside}


def components(images: dict[str, str], version: str, account: tuple[str, str]) -> list[dict[str, Any]]:
    """Give the components of `version` (1.0 or 2.0) as the API takes them; `images` maps component → reference."""
    second = version == "2.0"

    def component(key: str, name: str, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = {
            "key": key,
            "name": name,
            "kind": "stateless",
            "image": {"reference": images[key], "user": account[0], "password": account[1]},
            "command": [],
            "args": [key],
            "replicas": {"default": 1, "min": 1, "max": 3, "step": 1},
            "resources": _SMALL,
            "ports": [],
            "variables": [],
            "files": [],
            "volumes": [],
            "probes": {},
            "run_as": _RUN_AS,
            "depends_on": [],
            "start_timeout": 120,
        }
        return made | more

    made = [
        component(
            "db",
            "数据库",
            kind="stateful",
            replicas={"default": 1, "min": 1, "max": 1, "step": 1},
            ports=[_port("db", 5432, "DB")],
            variables=[
                {"name": "DB_USER", "value": "app", "offered": True},
                {
                    "name": "DB_PASSWORD",
                    "secret": True,
                    "offered": True,
                    "generate": {"length": 24, "alphabet": "alphanumeric"},
                },
                {"name": "DATA_DIR", "value": "/var/lib/db"},
            ],
            volumes=[
                {
                    "name": "data",
                    "path": "/var/lib/db",
                    "kind": "persistent",
                    "size": "1Gi",
                    "storage_class": None,
                    "access": "ReadWriteOnce",
                }
            ],
            probes=_probe({"kind": "command", "command": ["/sample", "db", "ping"]}),
        ),
        component(
            "api",
            "接口",
            ports=[_port("http", 9000, "API")],
            variables=[{"name": "SESSION_KEY", "secret": True, "generate": {"length": 32, "alphabet": "alphanumeric"}}],
            probes=_probe({"kind": "tcp", "port": "http"}),
            depends_on=["db"],
        ),
        component(
            "web",
            "页面",
            replicas={"default": 2, "min": 1, "max": 5, "step": 1},
            ports=[_port("http", 8080, "WEB", "node_port")],
            variables=[
                {"name": "TITLE", "value": "后台管理系统"},
                {"name": "LOG_LEVEL", "value": "warn" if second else "info"},
            ],
            files=[
                {
                    "path": "/etc/web/app.conf",
                    "mode": "0444",
                    "content": f"# {version}\napi = http://${{API_HOST}}:${{API_PORT}}\n",
                }
            ],
            probes=_probe({"kind": "http", "port": "http", "path": "/health"}),
            depends_on=["api"],
        ),
    ]
    if second:
        made.append(
            component(
                "cache", "缓存", ports=[_port("cache", 6379, "CACHE")], probes=_probe({"kind": "tcp", "port": "cache"})
            )
        )
    else:
        made.append(component("worker", "后台任务", depends_on=["db"]))
    return made


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
