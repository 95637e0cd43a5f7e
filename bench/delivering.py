"""The console's side of applying: asked for by REST, done by a worker's engine, timed by what it sends."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bench.eight import APP, INGRESS_CLASS, Cost, components, is_empty, stands, until
from bench.house import House
from deploy.local.client import Client
from deploy.local.cluster import Cluster as LocalCluster

if TYPE_CHECKING:
    from operations.models import Operation
    from teams.models import Team, User

TEMPLATE = "goods"
PHASES = ("start", "check", "take_over", "render", "dry_run", "base", "workloads")


@dataclass(frozen=True)
class Point:
    """One request of the worker's to the cluster, as its edge saw it leave or come back."""

    at: float
    processor: float
    phase: str
    request: str


@dataclass
class Delivered:
    """What one delivery took until its last object was applied; and each phase of it: seconds, requests."""

    cost: Cost
    phases: dict[str, tuple[float, int]] = field(default_factory=dict)


@dataclass
class Console:
    """The console with one environment on the cluster."""

    house: House
    client: Client
    worker: subprocess.Popen[bytes]
    web: subprocess.Popen[bytes]
    points: Path
    real: LocalCluster
    environment: str

    def reach(self, endpoint: str) -> None:
        """Let the cluster be reached at another address from now on."""
        from clusters.models import Cluster

        Cluster.objects.update(endpoint=endpoint)

    def install(self) -> Delivered:
        """Install the first version."""
        body = {"template": TEMPLATE, "version": "1.0", "environments": [self.environment], "app": {"slug": APP}}
        return self._deliver("/installations", body)

    def upgrade(self) -> Delivered:
        """Upgrade to the second, which differs in one image."""
        return self._deliver(f"{self._app}/upgrades", {"version": "2.0"})

    def roll_back(self) -> Delivered:
        """Go back to the first."""
        return self._deliver(f"{self._app}/rollbacks", {"revision": 1})

    def plan(self) -> float:
        """Give the seconds that a plan of the installation takes, from its request to its end."""
        body = {"template": TEMPLATE, "version": "1.0", "environments": [self.environment], "app": {"slug": APP}}
        began = time.time()
        done = self._end(self.client.start("POST", "/installations?dry_run=true", body))
        assert done.finished_at is not None
        return done.finished_at.timestamp() - began

    def remove(self) -> None:
        """Uninstall it with its volumes."""
        self._end(self.client.start("DELETE", f"{self._app}?volumes=delete&confirm_name={APP}", None))
        until(lambda: is_empty(self.real, self.environment), "the end of the application's pods and claims")

    @property
    def _app(self) -> str:
        return f"/environments/{self.environment}/apps/{APP}"

    def _deliver(self, path: str, body: dict[str, Any]) -> Delivered:
        skipped = self.points.stat().st_size
        web, worker = _processor(self.web), _processor(self.worker)
        began = time.time()
        name = self.client.start("POST", path, body)
        web = _processor(self.web) - web
        done = self._end(name)
        until(lambda: stands(self.real, self.environment), "the application standing")
        found = _measured(done, began, _points(self.points, skipped))
        return Delivered(Cost(found.cost.wall, web + found.cost.processor - worker), found.phases)

    def _end(self, name: str) -> Operation:
        from operations.models import Operation

        rows = Operation.objects.filter(number=int(name.removeprefix("op-")))
        until(lambda: not rows.get().is_active, f"the end of {name}")
        done = rows.get()
        if done.state != "succeeded":
            raise RuntimeError(f"{name}: {done.outcome_code} {done.outcome_params}")
        return done


def _measured(done: Operation, began: float, points: list[Point]) -> Delivered:
    """Give the time from the request to the answer of the last object, by phases.

    Dry runs are PATCHes too: what is applied is what is sent after the step that asks, and before the one that prunes.
    The processor's time is the worker's whole, since it began; the caller subtracts what was before.
    """
    steps = {step.key: step for step in done.steps.all()}
    first = next(step for step in done.steps.order_by("seq") if step.key.startswith("component:"))
    begin, end = steps["dry_run"].finished_at, steps["prune"].started_at
    assert begin is not None and end is not None and done.started_at is not None
    applied = [
        point
        for point in points
        if point.phase == "after"
        and point.request.startswith("PATCH ")
        and begin.timestamp() <= point.at <= end.timestamp()
    ]
    last = applied[-1]
    starts = [began, done.started_at.timestamp()]
    for key in (*PHASES[2:-1], first.key):
        moment = steps[key].started_at if key in steps else first.started_at
        assert moment is not None
        starts.append(moment.timestamp())
    phases = {
        name: (until_ - since, sum(since <= point.at < until_ and point.phase == "before" for point in points))
        for name, (since, until_) in zip(PHASES, pairwise([*starts, last.at]), strict=True)
    }
    return Delivered(Cost(last.at - began, last.processor), phases)


_LINE = re.compile(r"^(\S+) (\S+) (before|after) (.*)$")


def _points(path: Path, skipped: int) -> list[Point]:
    with path.open(encoding="utf-8") as file:
        file.seek(skipped)
        found = [_LINE.match(line) for line in file]
    return [Point(float(one[1]), float(one[2]), one[3], one[4]) for one in found if one is not None]


def _processor(process: subprocess.Popen[bytes]) -> float:
    """Give the processor seconds of a process and everything below it."""
    parent = psutil.Process(process.pid)
    times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
    return sum(time.user + time.system for time in times)


# --- Furnishing ------------------------------------------------------------------------------------------------------


def console(house: House, real: LocalCluster) -> Console:
    """Give the console with an environment on the cluster, prepared."""
    points = house.folder / "points"
    points.touch()
    web = house.web()
    house.environment["BENCH_POINTS"] = str(points)
    worker = house.worker()
    user, team = _people()
    client = Client(f"http://127.0.0.1:{house.port}", house.manage("token", user.login))
    _goods(user, team)
    return Console(house, client, worker, web, points, real, _environment(user, team, real))


def _people() -> tuple[User, Team]:
    from teams.models import Enterprise, User
    from tests.builders import make_team

    enterprise = Enterprise.objects.create(slug="bench", name="Bench")
    user = User(enterprise=enterprise, login="bench", name="Bench", enterprise_roles=["admin"])
    user.set_unusable_password()
    user.save()
    return user, make_team(enterprise, "shop")


def _goods(user: User, team: Team) -> None:
    """Publish the two versions, as rows: their images are never pulled by a played node."""
    from marketplace import snapshot
    from marketplace.snapshot import Origin
    from tests.marketplace import world

    world.make_registry(user, "registry.example.com")
    template = world.make_template(team, TEMPLATE)
    for version in (1, 2):
        number = f"{version}.0"
        choice = snapshot.choose(components(version), None, [])
        document = snapshot.document(TEMPLATE, number, Origin("e", "a", 1, "0" * 64), choice)
        world.make_version(
            template, number, user, mark="release", document=document, content_hash=snapshot.content_hash(document)
        )


def _environment(user: User, team: Team, real: LocalCluster) -> str:
    from clusters.models import Cluster
    from tests.clusters.delivery.house import make_environment

    cluster = Cluster(enterprise=user.enterprise, slug="here", name="Here", endpoint=real.endpoint, ca_pem=real.ca_pem)
    cluster.credential_kind, cluster.health = "token", "online"
    cluster.ingress_class, cluster.ingress_domain = INGRESS_CLASS, "example.com"
    cluster.seal_credential({"token": real.admin_token})
    cluster.uid = real.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    cluster.save()
    slug = "bench-waybill"
    make_environment(user.enterprise, team, cluster, slug)
    return slug
