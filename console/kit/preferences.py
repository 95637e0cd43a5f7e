"""The reader's language and time zone, as their profile says: profile before cookie before the browser's wish."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.utils import timezone, translation


def apply(user: Any) -> None:
    """Speak the user's language and tell times in their zone; what they did not choose stays as it is."""
    language = getattr(user, "language", "")
    if language:
        translation.activate(language)
    zone = getattr(user, "time_zone", "")
    if zone:
        timezone.activate(zoneinfo.ZoneInfo(zone))
    else:
        timezone.deactivate()
