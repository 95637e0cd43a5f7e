"""The console's settings for the processes of a bench: one more kind of operation, of eight steps that do nothing."""

from __future__ import annotations

from console.settings import *  # noqa: F403
from console.settings import INSTALLED_APPS as _INSTALLED_APPS

INSTALLED_APPS = [*_INSTALLED_APPS, "bench.apps.BenchConfig"]
