"""The local platform of a test run: a real registry and real clusters, started once and shared by all workers.

Nothing starts unless a collected test asks for one of the fixtures. ``TESTS_PLATFORM=DIR`` attaches to a
platform that runs already (``python -m deploy.local up --state DIR``) and leaves it running. A second one, with real
nodes, starts when a test asks for it and this machine allows it; ``TESTS_REAL_PLATFORM=DIR`` attaches to a running one.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from deploy.local import programs
from deploy.local.cluster import Cluster
from deploy.local.images import push_sample
from deploy.local.node import ability
from deploy.local.plan import CLUSTERS, ClusterPlan, RegistryFacts, really
from deploy.local.platform import Platform
from tests import environment

ATTACH = "TESTS_PLATFORM"
OWNER = "TESTS_PLATFORM_OWNER"
SHARED = {"platform", "registry", "clusters", "cluster", "namespace", "sample_images"}
FRESH = "fresh_platform_factory"
REAL_ATTACH = "TESTS_REAL_PLATFORM"
PLAYED = "platform"
REAL = "real_platform"
BEST = "best_platform"

PlatformFactory = Callable[..., Platform]

_users: pytest.StashKey[dict[str, set[str]]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Remember whose end ends the platform: the process that runs pytest, not one of its workers."""
    words = "needs clusters whose nodes pull and run (root on Linux, Debian packages of a node)"
    config.addinivalue_line("markers", f"realnodes: {words}")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[OWNER] = str(os.getpid())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that stands on a platform; those that need real nodes say why they cannot run."""
    for item in items:
        if _needs(item, {*SHARED, FRESH, REAL, BEST}):
            item.add_marker(pytest.mark.platform)
    real = [item for item in items if _needs(item, {REAL})]
    obstacle = ability.obstacle(_folder(REAL)) if real else None
    for item in real:
        item.add_marker(pytest.mark.realnodes)
        if obstacle is not None:
            item.add_marker(pytest.mark.skip(reason=obstacle))


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Build and start before the first test: a build takes minutes, more than any test may."""
    if not session.config.option.collectonly:
        best = any(_needs(item, {BEST}) for item in session.items)
        if any(_needs(item, SHARED) for item in session.items) or (best and not _has_real()):
            _shared()
        elif any(_needs(item, {FRESH}) for item in session.items):
            programs.ensure()
        if (best and _has_real()) or any(
            _needs(item, {REAL}) and not item.get_closest_marker("skip") for item in session.items
        ):
            _shared_real()
    return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    """See which tests want which platform; by file, whose fixtures may want it until the file's end."""
    users = {}
    for name, fixtures in ((PLAYED, {*SHARED, BEST}), (REAL, {REAL, BEST})):
        files = {item.path for item in session.items if _needs(item, fixtures)}
        users[name] = {item.nodeid for item in session.items if item.path in files}
    session.config.stash[_users] = users


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End a platform when the last test that wants it is over: one that nobody asks still costs a tenth of a core."""
    answer = yield
    for name, users in item.config.stash[_users].items():
        if item.nodeid in users and _is_last(name, len(users)):
            _stop(name)
    return answer


def _is_last(name: str, total: int) -> bool:
    """Count one more test of all workers; whether that was the last one."""
    with _folder(name).with_suffix(".over").open("a") as over:
        fcntl.flock(over, fcntl.LOCK_EX)
        over.write(".")
        over.flush()
        return over.tell() == total


def _stop(name: str) -> None:
    if (ATTACH if name == PLAYED else REAL_ATTACH) not in os.environ:
        Platform(_folder(name)).stop()


def pytest_sessionfinish() -> None:
    """Stop what this run started; a run that is killed takes it along too, by the platform's own watch."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _stop(PLAYED)
        _stop(REAL)


def _needs(item: pytest.Item, names: set[str]) -> bool:
    return bool(names.intersection(getattr(item, "fixturenames", ())))


def _folder(name: str = PLAYED) -> Path:
    return Path(os.environ[environment.FOLDER]) / name


def _shared() -> Platform:
    """The run's platform: the first worker that asks starts it, the others wait for it."""
    given = os.environ.get(ATTACH)
    if given is not None:
        return Platform.attach(given)
    folder = _folder()
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Platform(folder, CLUSTERS).start(while_pid=int(os.environ[OWNER]))


def _shared_real() -> Platform:
    """The run's platform with real nodes, in the same way."""
    given = os.environ.get(REAL_ATTACH)
    if given is not None:
        return Platform.attach(given)
    folder = _folder(REAL)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Platform(folder, really(CLUSTERS)).start(while_pid=int(os.environ[OWNER]))


def _has_real() -> bool:
    """Whether clusters of this run can have real nodes; one attached to a played platform alone has none."""
    if REAL_ATTACH in os.environ or ATTACH in os.environ:
        return REAL_ATTACH in os.environ
    return ability.obstacle(_folder(REAL)) is None


@pytest.fixture(scope="session")
def platform() -> Platform:
    """The run's platform, shared by all tests: use names of your own, and disturb none of its programs."""
    return _shared()


@pytest.fixture(scope="session")
def registry(platform: Platform) -> RegistryFacts:
    """The registry of the run's platform."""
    return platform.registry


@pytest.fixture(scope="session")
def clusters(platform: Platform) -> dict[str, Cluster]:
    """The clusters of the run's platform, by short name."""
    return platform.clusters


@pytest.fixture(scope="session")
def cluster(clusters: dict[str, Cluster]) -> Cluster:
    """The first cluster of the run's platform."""
    return next(iter(clusters.values()))


@pytest.fixture(scope="session")
def real_platform() -> Platform:
    """The run's platform with real nodes, shared by all tests: what one disturbs it brings back."""
    return _shared_real()


@pytest.fixture(scope="session")
def best_platform() -> Platform:
    """The run's platform with real nodes where this machine allows them, else the played one."""
    return _shared_real() if _has_real() else _shared()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of this test alone, on the first cluster; being deleted when the test is over."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    for pod in cluster.get(f"/api/v1/namespaces/{name}/pods")["items"]:
        # One that is played to hang in its end would keep the namespace for ever.
        cluster.api("DELETE", f"/api/v1/namespaces/{name}/pods/{pod['metadata']['name']}?gracePeriodSeconds=0")
    cluster.api("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def sample_images(registry: RegistryFacts) -> dict[str, dict[str, str]]:
    """The sample application in the registry: version → component → reference, for 1.0 and 2.0."""
    return {version: push_sample(registry, version) for version in ("1.0", "2.0")}


@pytest.fixture
def fresh_platform_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformFactory]:
    """Starts platforms that belong to the test, which may stop and kill what it wants of them."""
    made: list[Platform] = []

    def start(*plans: ClusterPlan, state: Path | None = None) -> Platform:
        platform = Platform(state or tmp_path_factory.mktemp("platform"), plans or CLUSTERS[:1])
        made.append(platform)
        return platform.start(while_pid=os.getpid())

    yield start
    for platform in made:
        platform.reset()
