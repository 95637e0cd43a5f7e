"""``python -m tests.journeys.pictures [DIR]``: the pictures of the README, cut from what the journeys saw.

Without DIR both journeys are walked first. With it, DIR is where one with JOURNEY_SHOTS=DIR left its pictures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.environment import ROOT
from tests.real.browser import executable

PLACE = ROOT / "docs/pictures"
SIZE = (1280, 800)
FEWER = 620
"""The height where several stand side by side: letters everywhere make large files."""
MOST = 150 * 1024
"""Bytes that a picture may have: the README is to open at once."""

DESK = {
    "overview": "overview",
    "publish": "image-sync-ended",
    "install": "install-in-two",
    "upgrade": "upgrade-review",
    "application": "upgraded-app",
}
PHONES = ("market", "upgrade-review", "records")
"""Beside one another in one picture, in Chinese and in the dark."""


def main() -> int:
    """Make all pictures; 1 when a journey failed or a picture is too large."""
    if len(sys.argv) > 1:
        return _cut(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "JOURNEY_SHOTS": folder}
        line = [sys.executable, "-m", "pytest", "-q", "tests/journeys"]
        if subprocess.run(line, cwd=ROOT, env=environment, check=False).returncode:
            return 1
        return _cut(Path(folder))


def _cut(shots: Path) -> int:
    PLACE.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(executable()), args=["--no-sandbox"])
        for name, shot in DESK.items():
            _picture(browser, name, [_shot(shots / "en", shot)])
        _picture(browser, "phone", [_shot(shots / "zh-hans", shot) for shot in PHONES])
        browser.close()
    large = [path.name for path in PLACE.glob("*.png") if path.stat().st_size > MOST]
    for name in large:
        print(f"{name} has more than {MOST} bytes", file=sys.stderr)
    return 1 if large else 0


def _shot(folder: Path, name: str) -> Path:
    """Give the picture that a journey took under a name; its number is not known beforehand."""
    found = [path for path in folder.glob("*.png") if path.stem.partition("-")[2] == name]
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} pictures called {name} in {folder}")
    return found[0]


def _picture(browser: Browser, name: str, shots: list[Path]) -> None:
    """Put the upper part of one or several pictures into one."""
    width, height = SIZE
    page = browser.new_page(viewport={"width": width, "height": height if len(shots) == 1 else FEWER})
    body = "margin: 0; display: flex; justify-content: space-evenly; background: #d8dde4"
    images = "".join(f'<img src="{shot.as_uri()}" style="align-self: flex-start">' for shot in shots)
    with tempfile.NamedTemporaryFile("w", suffix=".html") as sheet:
        sheet.write(f'<body style="{body}">{images}</body>')
        sheet.flush()
        page.goto(Path(sheet.name).as_uri(), wait_until="load")
        page.screenshot(path=PLACE / f"{name}.png")
    page.close()


if __name__ == "__main__":
    sys.exit(main())
