"""The query parameter `dry_run`: a plan instead of the thing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from console.kit.errors import Malformed

if TYPE_CHECKING:
    from console.kit.api import Endpoint

DRY_RUN: Final = {"dry_run": _("true: only plan it; the answer is an operation of kind plan")}


def wants_plan(door: Endpoint) -> bool:
    """Whether a plan was asked for. Raises Malformed unknown_parameter for another word than true or false."""
    word = door.query("dry_run")["dry_run"]
    if word not in (None, "true", "false"):
        raise Malformed("unknown_parameter", parameter="dry_run")
    return word == "true"
