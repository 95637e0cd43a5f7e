"""`python -m bench.memory SOURCE TARGET REPOSITORY DIGEST`: copy one image and say what the process needed at its peak.

A process of its own for each copy: what an earlier one needed would stand in the later one's figure.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bench.house import alone


def main() -> None:
    """Copy and print the greatest resident size, in KiB, as Linux counts it for this program alone."""
    source, target, repository, digest = sys.argv[1:]
    alone()
    from marketplace.registry.ends import Wanted
    from tests.marketplace.copying import Run, plain

    wanted = Wanted(
        path=repository,
        source=plain(source),
        source_repository=repository,
        repository=f"lib/{repository}",
        digest=digest,
    )
    Run(plain(target), [wanted]).whole("1.0")
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert peak is not None
    print(peak[1])


if __name__ == "__main__":
    main()
