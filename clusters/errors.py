"""Errors of a part that was asked for inside a larger whole, and what errors of plans name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from console.kit.errors import FieldError, WaybillError


@contextmanager
def under(pointer: str) -> Iterator[None]:
    """Let the refusals of the block point below `pointer`, where the whole request has what they speak of."""
    try:
        yield
    except WaybillError as error:
        error.errors = tuple(FieldError(pointer + part.pointer, part.code, part.params) for part in error.errors)
        raise


def moved_places(error: WaybillError | None) -> list[str]:
    """Give what is no longer as the plan said that was confirmed; empty for every other error than that."""
    return list(error.params["changes"]) if error is not None and error.code == "plan_stale" else []
