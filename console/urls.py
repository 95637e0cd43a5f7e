"""Every address of the console. Each app brings its own; the shell adds what belongs to none."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from console import health, views
from console.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("", include("console.api")),
    path("", views.home, name="home"),
    path("", include("teams.urls")),
    path("", include("clusters.platform_urls")),
    path("", include("marketplace.platform_urls")),
    path("", include("clusters.page_urls")),
    path("", include("operations.page_urls")),
    path("", include("marketplace.page_urls")),
    path("", include("operations.urls")),
]

handler400 = views.unreadable
handler403 = views.refused
handler404 = views.not_found
handler500 = views.broken
