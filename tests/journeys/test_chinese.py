"""The road in Chinese, on a phone, in the dark."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.journeys import seed
from tests.journeys.conftest import MakeGround
from tests.journeys.stories import CHINESE


def test_the_seed_from_three_empty_clusters_to_a_rollback(browser: Browser, ground: MakeGround) -> None:
    seed.walk(browser, CHINESE, ground(CHINESE))
