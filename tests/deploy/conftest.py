"""Worker processes, as the proofs of the engine have them."""

from __future__ import annotations

from tests.faults.conftest import _nursery, _runners, ledger, nursery, shop

__all__ = ["_nursery", "_runners", "ledger", "nursery", "shop"]
