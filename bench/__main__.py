"""`python -m bench [PART...]`: measure, side by side, and write `docs/performance.md`."""

from __future__ import annotations

import argparse
import importlib

PARTS = ("starting", "copying", "applying")
ALONE = ("pages",)
"""Parts that take their time, and run only when they are named."""


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS + ALONE))
    for part in parser.parse_args().parts or PARTS:
        if part not in PARTS + ALONE:
            parser.error(f"{part} is none of: {', '.join(PARTS + ALONE)}")
        print(f"=== {part}", flush=True)
        importlib.import_module(f"bench.{part}").main()


if __name__ == "__main__":
    main()
