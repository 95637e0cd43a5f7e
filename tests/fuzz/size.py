"""How much is tried: a sample with the other tests, everything by `make fuzz`."""

from __future__ import annotations

import os

from tests.cast import NOBODY
from tests.faults.size import FULL, SEED

__all__ = ["EXAMPLES", "FULL", "SAMPLE", "SEED"]

EXAMPLES = int(os.environ.get("TESTS_EXAMPLES") or 200)
"""Made-up requests for each operation and person in a full run, beside those for every bound of the schema."""
SAMPLE = {"admin": 3, "developer": 2, NOBODY: 1}
"""The same, with the other tests."""
