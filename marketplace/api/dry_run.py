"""The query parameter `dry_run`: a plan instead of the thing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from console.kit.errors import FieldError, Invalid

if TYPE_CHECKING:
    from console.kit.api import Endpoint

DRY_RUN: Final = {"dry_run": _("true: only plan it; the answer is an operation of kind plan")}


def wants_plan(door: Endpoint) -> bool:
    """Whether a plan was asked for. Raises Invalid choice_unknown for another word than true or false."""
    word = door.query("dry_run")["dry_run"]
    if word not in (None, "true", "false"):
        raise Invalid("invalid", errors=[FieldError("?dry_run", "choice_unknown", {"choices": ["true", "false"]})])
    return word == "true"
