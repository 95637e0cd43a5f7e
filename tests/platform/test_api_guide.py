"""The API's guide is true: its commands, one after the other as they stand in it, walk the whole road."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.console import ROOT, Console
from deploy.local.images import push_sample
from deploy.local.plan import free_ports
from deploy.local.platform import Platform
from tests.real.sweeping import sweep

GUIDE = ROOT / "docs" / "api.md"
ENVIRONMENTS = ("lab", "site-qingdao", "site-shanghai")
OUTSIDE = ("WAYBILL_", "TESTS_", "DATABASE_URL", "REDIS_URL", "DJANGO_")


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A console of the test's own, with nothing of the test run's settings."""
    for name in os.environ:
        if name.startswith(OUTSIDE):
            monkeypatch.delenv(name)
    found = Console(tmp_path / "console", free_ports(1)[0])
    found.start()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def swept(platform: Platform) -> Iterator[None]:
    """Nothing of the road stays on the clusters, which others use too."""
    yield
    for cluster in platform.clusters.values():
        for environment in ENVIRONMENTS:
            sweep(cluster, environment)


def _commands() -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 10
    return "\n".join(blocks)


@pytest.mark.timeout(900)
def test_the_commands_of_the_guide_walk_the_road(
    platform: Platform, swept: None, console: Console, tmp_path: Path
) -> None:
    for version in ("1.0", "2.0"):
        push_sample(platform.registry, version)
    console.wait()
    console.first_admin("admin", "Admin")
    (tmp_path / "kubeconfigs").mkdir()
    for slug, cluster in platform.clusters.items():
        (tmp_path / "kubeconfigs" / slug).write_text(cluster.kubeconfig(), encoding="utf-8")
    (tmp_path / "ca.pem").write_text(platform.registry.ca_pem, encoding="utf-8")
    given = {
        "WAYBILL": console.url,
        "ADMIN": console.token("admin"),
        "REGISTRY": platform.registry.address,
        "REGISTRY_USER": platform.registry.user,
        "REGISTRY_PASSWORD": platform.registry.password,
        "REGISTRY_CA": "ca.pem",
        "WAYBILL_DATA_DIR": str(console.data),
    }
    token = f'token() {{ (cd "{ROOT}" && "{sys.executable}" manage.py dev run token "$1" | tail -n 1); }}\n'
    walked = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", token + _commands()],
        cwd=tmp_path,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert walked.returncode == 0, walked.stdout[-2000:] + walked.stderr[-2000:]
    ends = re.findall(r"(op-\d+) (\w+)", walked.stdout)
    assert len(ends) == 19
    assert {state for _, state in ends} == {"succeeded"}
    newest = walked.stdout.splitlines()[-1]
    assert '"kind":"rollback"' in newest
    assert '"web.variables.LOG_LEVEL":{"value":"debug"' in newest
    assert re.search(r'"equals":\{[^}]*"equal":true', newest)
    assert given["REGISTRY_PASSWORD"] not in walked.stdout
