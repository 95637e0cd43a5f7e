"""The programs of a local platform, built once and kept in the user's cache folder by the content they come from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.toolchain import BuildError, Toolchain, cache_folder, find, install

RECIPES = Path(__file__).parent / "recipes"
REPORT_EVERY = 15.0
"""Seconds between two progress lines of a long build."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Build:
    """One program: the file it becomes, the package it is made of, the processor it runs on (None: this one)."""

    output: str
    package: str = "."
    arch: str | None = None


@dataclass(frozen=True)
class Recipe:
    """A module folder (under ``recipes/`` unless another place is named) and the programs it gives."""

    name: str
    title: str
    takes: str
    builds: tuple[Build, ...]
    stamp: str | None = None
    place: Path = RECIPES
    module: str | None = None
    """The module folder when it is not called like the recipe: two recipes may be built from one module."""

    @property
    def folder(self) -> Path:
        """Where the module lies: go.mod, go.sum and its Go files."""
        return self.place / (self.module or self.name)

    def release(self) -> str | None:
        """The version of the stamped module as go.mod locks it (``v1.36.3``), if the recipe stamps one."""
        if self.stamp is None:
            return None
        match = re.search(
            rf"^\s*(?:require )?{re.escape(self.stamp)} (v\S+)", (self.folder / "go.mod").read_text(), re.M
        )
        if match is None:
            raise BuildError(f"{self.folder.name}/go.mod names no {self.stamp}")
        return match.group(1)

    def key(self, go_version: str) -> str:
        """What the programs depend on, as 16 hex digits: the module's files and the compiler."""
        content = hashlib.sha256(f"go {go_version}\n{self.builds!r}\n".encode())
        for path in sorted(self.folder.iterdir()):
            if path.suffix in {".go", ".mod", ".sum"}:
                content.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return content.hexdigest()[:16]


KUBERNETES = Recipe(
    name="localkube",
    title="Kubernetes",
    takes="about seven minutes on two cores",
    builds=(Build("localkube"), Build("kwok", "sigs.k8s.io/kwok/cmd/kwok")),
    stamp="k8s.io/kubernetes",
)
MINOR = "KUBE_MINOR"
"""The environment variable that chooses another minor of Kubernetes for the control planes, for a walk on each."""
OTHERS = {
    minor: Recipe(
        name=f"localkube-{minor}",
        title="Kubernetes",
        takes="about seven minutes on two cores",
        builds=(Build("localkube"),),
        stamp="k8s.io/kubernetes",
    )
    for minor in ("1.34", "1.37")
}
"""Minors besides the one of ``KUBERNETES``. What plays nodes is of no minor and comes from there."""
REGISTRY = Recipe(
    name="registry",
    title="the registry",
    takes="about one minute on two cores",
    builds=(Build("registry"),),
    stamp="github.com/distribution/distribution/v3",
)
SAMPLE = Recipe(
    name="sample",
    title="the sample application",
    takes="about half a minute on two cores",
    builds=(Build("sample-amd64", arch="amd64"), Build("sample-arm64", arch="arm64")),
)
NODE = Recipe(
    name="kubelet",
    title="the programs of a Kubernetes node",
    takes="about a minute after Kubernetes itself",
    builds=(
        Build("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
        Build("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
    ),
    stamp="k8s.io/kubernetes",
    module="localkube",
)
NAMES = Recipe(
    name="names",
    title="the name server",
    takes="about one minute on two cores",
    builds=(Build("names"),),
    stamp="github.com/coredns/coredns",
)
ROUTES = Recipe(
    name="routes",
    title="the ingress controller",
    takes="about two minutes on two cores",
    builds=(Build("routes"),),
    stamp="github.com/zalando/skipper",
)
PAUSE = Recipe(
    name="pause", title="the first process of a pod", takes="a few seconds on two cores", builds=(Build("pause"),)
)


@dataclass(frozen=True)
class NodePrograms:
    """Where the programs of real nodes lie, beside those that the system's packages bring."""

    kubelet: Path
    proxy: Path
    names: Path
    routes: Path
    pause: Path


@dataclass(frozen=True)
class Programs:
    """Where each program lies."""

    localkube: Path
    kwok: Path
    registry: Path
    samples: dict[str, Path]
    """The sample application by processor: ``amd64``, ``arm64``."""
    node: NodePrograms | None = None
    """The programs of real nodes, when they were asked for."""


def ensure(say: Say = print, *, node: bool = False) -> Programs:
    """Build what is not in the cache yet and return all programs; minutes the first time, milliseconds later.

    With ``node`` the programs of real nodes too. A folder named by ``KUBE_ASSETS`` that holds localkube, kwok and
    registry is used instead of building those. ``KUBE_MINOR`` chooses the Kubernetes of the control planes. Raises
    BuildError with the compiler's last words, or where that minor cannot be had.
    """
    other = chosen(node=node)
    assets = os.environ.get("KUBE_ASSETS")
    given = (
        Path(assets) if assets and all((Path(assets) / n).exists() for n in ("localkube", "kwok", "registry")) else None
    )
    if assets and given is None:
        say(f"KUBE_ASSETS={assets} does not hold localkube, kwok and registry; building them.")
    with _shared_build_cache() as cache:
        kube = given or ensure_recipe(KUBERNETES, say, cache=cache)
        control = ensure_recipe(other, say) if other is not None else kube
        programs = _node_programs(say, cache) if node else None
        samples = ensure_sample(say)
        registry = given or ensure_recipe(REGISTRY, say)
    return Programs(
        localkube=control / "localkube",
        kwok=kube / "kwok",
        registry=registry / "registry",
        samples=samples,
        node=programs,
    )


def chosen(*, node: bool = False) -> Recipe | None:
    """The recipe of the minor that ``KUBE_MINOR`` names; None when that is the usual one or nothing is named.

    Raises BuildError for a minor there is no recipe of, and for real nodes: theirs are of the usual minor.
    """
    minor = os.environ.get(MINOR)
    if not minor or (KUBERNETES.release() or "").startswith(f"v{minor}."):
        return None
    if minor not in OTHERS:
        usual = ".".join((KUBERNETES.release() or "v").removeprefix("v").split(".")[:2])
        raise BuildError(f"{MINOR}={minor}: there is {', '.join(sorted([*OTHERS, usual]))}")
    if node:
        raise BuildError(f"{MINOR}={minor}: real nodes are of another minor; choose played ones (DEMO_NODES=played)")
    return OTHERS[minor]


def _node_programs(say: Say, cache: Path) -> NodePrograms:
    kubernetes = ensure_recipe(NODE, say, cache=cache)
    return NodePrograms(
        kubelet=kubernetes / "kubelet",
        proxy=kubernetes / "kube-proxy",
        names=ensure_recipe(NAMES, say) / "names",
        routes=ensure_recipe(ROUTES, say) / "routes",
        pause=ensure_recipe(PAUSE, say) / "pause",
    )


@contextmanager
def _shared_build_cache() -> Iterator[Path]:
    """A folder for what the compiler keeps between builds of one module; gone afterwards, it is gigabytes."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="gocache-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def ensure_sample(say: Say = print) -> dict[str, Path]:
    """Build the sample application alone; the program by processor."""
    folder = ensure_recipe(SAMPLE, say)
    return {build.arch: folder / build.output for build in SAMPLE.builds if build.arch is not None}


def built(recipe: Recipe) -> Path | None:
    """The folder of the recipe's programs when they are in the cache."""
    folder = _folder(recipe, find())
    return folder if (folder / "done").exists() else None


def ensure_recipe(recipe: Recipe, say: Say = print, *, cache: Path | None = None) -> Path:
    """Build one recipe's programs unless they are there; return their folder.

    Two processes that need the same build wait for one another; a build that dies half-way leaves nothing that
    the next one would take for finished. In ``cache`` another build of the same module left what it compiled.
    """
    toolchain = find()
    folder = _folder(recipe, toolchain)
    if (folder / "done").exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / f"{folder.name}.lock", recipe, say):
        if (folder / "done").exists():
            return folder
        go = toolchain.go
        if go is None:
            say(f"Installing Go {toolchain.version}, once, for building.")
            go = install()
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.building-") as scratch:
            output = Path(scratch) / "programs"
            output.mkdir()
            _build(recipe, go, output, say, cache)
            (output / "done").touch()
            shutil.rmtree(folder, ignore_errors=True)
            output.rename(folder)
    return folder


def _folder(recipe: Recipe, toolchain: Toolchain) -> Path:
    return cache_folder() / "programs" / f"{recipe.name}-{recipe.key(toolchain.version)}"


@contextmanager
def _locked(path: Path, recipe: Recipe, say: Say) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another process that builds {recipe.title}.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, go: Path, output: Path, say: Say, cache: Path | None) -> None:
    release = recipe.release()
    title = f"{recipe.title} {release.removeprefix('v')}" if release else recipe.title
    say(f"Building {title}, once, {recipe.takes}.")
    began = time.monotonic()
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly",
    }
    with tempfile.TemporaryDirectory(dir=output.parent, prefix="gocache-", ignore_cleanup_errors=True) as scratch:
        # Kubernetes leaves 3 GB in the build cache, of no use afterwards; a cache that the user named stays.
        environment.setdefault("GOCACHE", str(cache or scratch))
        for build in recipe.builds:
            line = [str(go), "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", _flags(recipe, release)]
            line += ["-o", str(output / build.output), build.package]
            target = {"GOOS": "linux", "GOARCH": build.arch} if build.arch else {}
            total = len(_run([str(go), "list", "-deps", build.package], recipe.folder, environment))
            _compile(line, recipe.folder, {**environment, **target}, _Progress(title, total, say))
    say(f"Built {title} in {time.monotonic() - began:.0f} s.")


class _Progress:
    """Says now and then how many packages of a build are compiled."""

    def __init__(self, title: str, total: int, say: Say) -> None:
        self.title = title
        self.say = say
        self.total = total
        self.done = 0
        self.said = time.monotonic()

    def compiled(self) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.said >= REPORT_EVERY:
            self.said = now
            self.say(f"Building {self.title}: {self.done} of {max(self.total, self.done)} packages.")


def _flags(recipe: Recipe, release: str | None) -> str:
    """Flags of the linker: no symbols, and for Kubernetes the version; without it the server calls itself v0.0.0."""
    flags = "-s -w"
    if recipe.stamp == KUBERNETES.stamp and release is not None:
        major, minor = release.removeprefix("v").split(".")[:2]
        prefix = "-X k8s.io/component-base/version"
        flags += f" {prefix}.gitVersion={release} {prefix}.gitMajor={major} {prefix}.gitMinor={minor}"
    return flags


def _compile(line: list[str], folder: Path, environment: dict[str, str], progress: _Progress) -> None:
    """Run the compiler at low priority; BuildError with its last lines when it fails. Interrupted, it ends at once."""
    last: list[str] = []
    with subprocess.Popen(
        ["nice", *line],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        process_group=0,
    ) as process:
        assert process.stderr is not None
        try:
            for said in process.stderr:
                last = [*last[-9:], said.rstrip()]
                if not said.startswith("go: "):
                    progress.compiled()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise BuildError("the build failed:\n" + "\n".join(last))


def _run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> list[str]:
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise BuildError("\n".join(answer.stderr.strip().splitlines()[-10:]))
    return answer.stdout.splitlines()
