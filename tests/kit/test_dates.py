"""Dates as each language writes them, and words joined as each language joins them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from console.kit.dates import clock_text, day_text, moment_text
from console.kit.phrases import joined

AT = datetime(2026, 3, 2, 6, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "moment", "day"),
    [("en", "2 Mar 2026, 14:02", "2 Mar 2026"), ("zh-hans", "2026年3月2日 14:02", "2026年3月2日")],
)
def test_a_moment_is_written_in_the_readers_language_and_zone(language: str, moment: str, day: str) -> None:
    with translation.override(language), timezone.override(ZoneInfo("Asia/Shanghai")):
        assert (moment_text(AT), day_text(AT), clock_text(AT)) == (moment, day, "14:02:09")


def test_words_are_joined_as_the_language_does() -> None:
    with translation.override("en"):
        assert joined(["web", "api"]) == "web, api"
    with translation.override("zh-hans"):
        assert joined(["web", "api"]) == "web、api"
    assert joined([]) == ""
