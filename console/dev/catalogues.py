"""Compile the catalogues with Babel, so that no gettext has to be installed: `python -m console.dev.catalogues`."""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from console.dev.house import ROOT


def compile_stale(folder: Path = ROOT / "locale") -> list[Path]:
    """Compile each catalogue that is newer than its compiled form; gives those it compiled."""
    done = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        with fresh.open("wb") as file:
            write_mo(file, catalogue)
        fresh.replace(target)
        done.append(target)
    return done


if __name__ == "__main__":
    for compiled in compile_stale():
        print(compiled.relative_to(ROOT))
