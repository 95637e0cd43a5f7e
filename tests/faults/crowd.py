"""Twenty people who never stop: they deploy, publish and go back, or install, upgrade, go back and uninstall."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.local.ground import registry_body
from deploy.local.images import push_sample
from deploy.local.plan import RegistryFacts
from tests.faults.asking import Asker, Refusal, Wish
from tests.faults.town import Town

PEOPLE, BUILDERS, STORES = 20, 6, 3
"""Everybody; those of them who make applications; and those who keep one with a volume."""
BUILD, FIELD, TEAM, LOGIN = "build", "field", "crew", "crew"
PROGRAMS = {"cache": 6379, "db": 5432}
VERSIONS = ("1.0", "2.0")
Json = dict[str, Any]


@dataclass
class Goods:
    """What applications are made of: the images by version and component, and who may pull them."""

    images: dict[str, dict[str, str]]
    account: dict[str, str]

    def part(self, key: str, version: str = "1.0", program: str = "cache", **fields: Any) -> Json:
        """Give a component as the API takes it, small enough that forty of them run on one machine."""
        probe = {"kind": "tcp", "port": "main", "initial_delay": 0, "period": 2, "timeout": 2, "failures": 3}
        port = {"name": "main", "number": PROGRAMS[program], "protocol": "TCP", "inside": True, "outside": "none"}
        return {
            "key": key,
            "name": key.title(),
            "kind": "stateless",
            "image": {"reference": self.images[version][program], **self.account},
            "command": [],
            "args": [program],
            "replicas": {"default": 1, "min": 1, "max": 3, "step": 1},
            "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}},
            "ports": [port],
            "variables": [],
            "files": [],
            "volumes": [],
            "probes": {"readiness": probe},
            "run_as": {"user": 10001, "group": 10001},
            "depends_on": [],
            "start_timeout": 600,
        } | fields

    def database(self) -> Json:
        """Give a stateful component with a volume."""
        disk = {"name": "data", "path": "/var/lib/db", "kind": "persistent", "size": "1Gi", "access": "ReadWriteOnce"}
        said = {"DB_USER": "app", "DB_PASSWORD": "open", "DATA_DIR": "/var/lib/db"}
        variables = [{"name": name, "value": value} for name, value in said.items()]
        volumes = [{**disk, "storage_class": None}]
        return self.part("db", program="db", kind="stateful", volumes=volumes, variables=variables)


@dataclass
class Crowd:
    """Everybody, and what they asked for."""

    asker: Asker
    goods: Goods
    broken: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    changes: Iterator[int] = field(default_factory=itertools.count)

    def begin(self, people: int = PEOPLE) -> None:
        """Let so many begin."""
        self.over.clear()
        for number in range(people):
            life = self._build(number) if number < BUILDERS else self._keep(number)
            self.threads.append(threading.Thread(target=self._live, args=(number, life), daemon=True))
            self.threads[-1].start()

    @property
    def rests(self) -> bool:
        """Whether everybody has ended what they began."""
        return not any(thread.is_alive() for thread in self.threads)

    def _live(self, number: int, life: Iterator[Wish]) -> None:
        """Do one thing after the other until it is over. What does not end well is written down, and ends it too."""
        try:
            for wish in life:
                if wish.state != "succeeded":
                    self.broken.append(f"{wish}")
                    return
                if self.over.is_set():
                    return
        except (Refusal, TimeoutError) as error:
            self.broken.append(f"person {number}: {error}")

    def _build(self, number: int) -> Iterator[Wish]:
        """A developer's days: change and deploy, publish, change and deploy, go back."""
        app = f"made-{number}"
        path = f"/environments/{BUILD}/apps/{app}"
        for day in itertools.count(1):
            self._change(path)
            yield self.asker.do("POST", f"{path}/deployments", {"consents": []}, "deploy", app)
            yield self.asker.do("POST", f"{path}/publications", publication(app, f"{day}.0"), "publish", app)
            self._change(path)
            yield self.asker.do("POST", f"{path}/deployments", {"consents": []}, "deploy", app)
            yield self.asker.do("POST", f"{path}/rollbacks", {}, "rollback", app)

    def _change(self, path: str) -> None:
        part = self.goods.part("web", variables=[{"name": "LEVEL", "value": f"{next(self.changes)}"}])
        self.asker.ask("PUT", f"{path}/components/web", part)

    def _keep(self, number: int) -> Iterator[Wish]:
        """A deliverer's days: install, upgrade, go back, uninstall. What has a volume is kept for good."""
        has_volume = number < BUILDERS + STORES
        for day in itertools.count(1):
            app = f"kept-{number}" if has_volume else f"kept-{number}-{day}"
            path = f"/environments/{FIELD}/apps/{app}"
            if day == 1 or not has_volume:
                wish: Json = {"template": "store" if has_volume else "goods", "version": "1.0", "environments": [FIELD]}
                wish |= {"app": {"slug": app, "name": app}, "values": {}}
                yield self.asker.do("POST", "/installations", wish, "install", app)
            yield self.asker.do("POST", f"{path}/upgrades", {"version": "2.0"}, "upgrade", app)
            yield self.asker.do("POST", f"{path}/rollbacks", {}, "rollback", app)
            if not has_volume:
                yield self.asker.do("DELETE", path, None, "uninstall", app)


def publication(template: str, number: str) -> Json:
    """Give the wish to publish; a template is made with its first number."""
    named: Json = {"slug": template}
    if number == "1.0":
        named |= {"name": template, "scope": "enterprise", "intro": "", "tags": []}
    said: Json = {"number": number, "alias": None, "notes": "", "parameters": [], "confirm_by_itself": True}
    return {"template": named, **said}


# --- Before anything is killed ---------------------------------------------------------------------------------------


def gather(town: Town) -> Crowd:
    """Connect clusters and registry, make the team with its places, the applications, and two templates to install."""
    town.command("first_admin", "admin")
    admin = Asker(town.urls, town.token("admin"))
    registry = town.platform.registry
    _connect(admin, town, registry)
    admin.ask("POST", "/users", {"login": LOGIN, "name": "Crew", "email": None, "enterprise_roles": []})
    members = [{"login": LOGIN, "roles": ["developer", "tester", "delivery"]}]
    admin.ask("POST", "/teams", {"slug": TEAM, "name": TEAM, "members": members})
    clusters = list(town.platform.clusters)
    for slug, cluster in ((BUILD, clusters[0]), (FIELD, clusters[-1])):
        place = {"cluster": cluster, "slug": slug, "name": slug, "namespace": f"town-{slug}", "stage": "test"}
        _run(admin, f"/teams/{TEAM}/environments", {**place, "accepts": "any", "quota": None})
    images = {version: push_sample(registry, version) for version in VERSIONS}
    goods = Goods(images, {"user": registry.pull_user, "password": registry.pull_password})
    crowd = Crowd(Asker(town.urls, town.token(LOGIN)), goods)
    _make(crowd)
    crowd.asker.answers.clear()
    return crowd


def _run(asker: Asker, path: str, body: Json) -> Any:
    shown = asker.wait(asker.ask("POST", path, body)["id"])
    assert shown["state"] == "succeeded", shown
    return shown


def _connect(admin: Asker, town: Town, registry: RegistryFacts) -> None:
    for slug, cluster in town.platform.clusters.items():
        check = _run(admin, "/cluster-checks", {"kubeconfig": cluster.kubeconfig()})
        admin.ask("POST", "/clusters", {"check": check["id"], "slug": slug, "name": slug})
    test = _run(admin, "/settings/registry/tests", registry_body(registry))
    saved = admin.ask("PUT", "/settings/registry", {"test": test["id"]})
    if saved.get("operation"):
        admin.wait(saved["operation"])


def _make(crowd: Crowd) -> None:
    """Make what is deployed, and publish both versions of what is installed: one part changes, one goes, one comes."""
    goods, asker = crowd.goods, crowd.asker
    for number in range(BUILDERS):
        parts = [goods.part("web"), goods.database()] if number < 2 else [goods.part("web")]
        _draft(asker, f"made-{number}", parts)
    _publish_both(
        asker, "goods", [[goods.part("web"), goods.part("former")], [goods.part("web", "2.0"), goods.part("fresh")]]
    )
    database = goods.database()
    _publish_both(asker, "store", [[goods.part("web"), database], [goods.part("web", "2.0"), database]])


def _draft(asker: Asker, app: str, parts: list[Json]) -> str:
    path = f"/environments/{BUILD}/apps/{app}"
    asker.ask("POST", f"/environments/{BUILD}/apps", {"slug": app, "name": app})
    for part in parts:
        asker.ask("POST", f"{path}/components", part)
    return path


def _publish_both(asker: Asker, template: str, versions: list[list[Json]]) -> None:
    app = f"{template}-source"
    path = _draft(asker, app, versions[0])
    before = {part["key"] for part in versions[0]}
    for number, parts in zip(VERSIONS, versions, strict=True):
        if number != VERSIONS[0]:
            for part in parts:
                verb, end = ("PUT", f"/{part['key']}") if part["key"] in before else ("POST", "")
                asker.ask(verb, f"{path}/components{end}", part)
            for key in before - {part["key"] for part in parts}:
                asker.ask("DELETE", f"{path}/components/{key}")
        for kind, said in (("deploy", {"consents": []}), ("publish", publication(template, number))):
            address = f"{path}/{'deployments' if kind == 'deploy' else 'publications'}"
            wish = asker.do("POST", address, said, kind, app)
            assert wish.state == "succeeded", wish


def until_it_rests(town: Town, crowd: Crowd, seconds: float) -> float:
    """Let everybody end what they began; gives how long that took."""
    crowd.over.set()
    since = time.monotonic()
    town.until(lambda: crowd.rests, "the end of what everybody began", seconds=seconds)
    return time.monotonic() - since
