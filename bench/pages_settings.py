"""The console's settings for the processes whose pages are measured: each answer says what it cost the server."""

from __future__ import annotations

from console.settings import *  # noqa: F403
from console.settings import MIDDLEWARE as _MIDDLEWARE

MIDDLEWARE = ["bench.pages_count.Counted", *_MIDDLEWARE]
