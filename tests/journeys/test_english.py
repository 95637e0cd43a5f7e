"""The road in English, on a desk, in the light."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.journeys import seed
from tests.journeys.conftest import MakeGround
from tests.journeys.stories import ENGLISH


def test_the_seed_from_three_empty_clusters_to_a_rollback(browser: Browser, ground: MakeGround) -> None:
    seed.walk(browser, ENGLISH, ground(ENGLISH))
