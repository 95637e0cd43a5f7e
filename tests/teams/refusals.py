"""Reading refusals in tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from console.kit.errors import WaybillError


@contextmanager
def refused(family: type[WaybillError], code: str, *faults: tuple[str, str]) -> Iterator[None]:
    """Expect this error; with `faults`, exactly these (pointer, code) of fields."""
    with pytest.raises(family) as caught:
        yield
    assert caught.value.code == code
    if faults:
        assert [(fault.pointer, fault.code) for fault in caught.value.errors] == list(faults)
