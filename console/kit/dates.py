"""Points in time as people read them: `2 Mar 2026, 14:02` in English, Django's own form in other languages."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language

_MOMENTS = {"en": "j M Y, H:i"}
_DAYS = {"en": "j M Y"}


def _form(forms: dict[str, str], usual: str) -> str:
    return forms.get((get_language() or "en").partition("-")[0], usual)


def moment_text(value: datetime) -> str:
    """Give day and time in the reader's zone and language, to the minute."""
    return date_format(timezone.localtime(value), _form(_MOMENTS, "DATETIME_FORMAT"))


def day_text(value: datetime) -> str:
    """Give the day in the reader's zone and language."""
    return date_format(timezone.localtime(value), _form(_DAYS, "DATE_FORMAT"))


def clock_text(value: datetime) -> str:
    """Give the time of day in the reader's zone, to the second."""
    return date_format(timezone.localtime(value), "H:i:s")
