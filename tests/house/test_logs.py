"""Logs say where a fault passed, and never what the variables held there."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from console import logs


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_fault_is_told_by_its_places_and_not_by_what_passed_there(form: str) -> None:
    password = "-".join(("hunter", "2", "hunter"))

    def sign_in(given: str) -> None:
        raise ValueError(f"{len(given)} letters")

    handler = _handler(form)
    told = ""
    try:
        sign_in(password)
    except ValueError as error:
        fault = (type(error), error, error.__traceback__)
        told = handler.format(logging.getLogger("any").makeRecord("any", logging.ERROR, "", 0, "it failed", (), fault))
    assert "15 letters" in told and "sign_in" in told and "it failed" in told
    assert password not in told


def _handler(form: str) -> logging.Formatter:
    made: dict[str, Any] = logs.configuration(form, "info")["formatters"]["event"]
    own = {name: value for name, value in made.items() if name != "()"}
    formatter: logging.Formatter = made["()"](**own)
    return formatter
