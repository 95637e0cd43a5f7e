"""The query parameter `dry_run`: a plan instead of the thing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from console.kit.api import TRUE_OR_FALSE, OneOf

if TYPE_CHECKING:
    from console.kit.api import Endpoint

DRY_RUN: Final = {"dry_run": OneOf(_("true: only plan it; the answer is an operation of kind plan"), TRUE_OR_FALSE)}


def wants_plan(door: Endpoint) -> bool:
    """Whether a plan was asked for."""
    return door.query("dry_run")["dry_run"] == "true"
