"""Every address of the console. Each app brings its own; the shell adds what belongs to none."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from console import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]
