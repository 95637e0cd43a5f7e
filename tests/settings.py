"""The settings with a made-up environment: for type checkers, which load settings but no servers."""

from __future__ import annotations

import os

from tests.environment import prepare

prepare()
os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:9/0")

from console.settings import *  # noqa: E402, F403
