"""Addresses of the pages of clusters, which platform management holds."""

from __future__ import annotations

from django.urls import path

from clusters.pages import clusters

urlpatterns = [
    path("clusters", clusters.cluster_list, name="cluster_list"),
    path("clusters/new", clusters.cluster_new, name="cluster_new"),
    path("clusters/<slug:cluster>", clusters.cluster_page, name="cluster_page"),
    path("clusters/<slug:cluster>/removal", clusters.cluster_remove, name="cluster_remove"),
]
