"""The REST addresses of this app. They come before those of the app below: one of them takes an address over."""

from __future__ import annotations

from django.urls import path

from clusters.api import clusters, environments, teams

urlpatterns = [
    path("cluster-checks", clusters.ClusterChecks.as_view(), name="api_cluster_checks"),
    path("clusters", clusters.ClusterList.as_view(), name="api_clusters"),
    path("clusters/<slug:cluster>", clusters.ClusterPage.as_view(), name="api_cluster"),
    path("teams", teams.TeamList.as_view(), name="api_teams"),
    path("teams/<slug:team>/environments", environments.TeamEnvironments.as_view(), name="api_team_environments"),
    path("environments", environments.EnvironmentList.as_view(), name="api_environments"),
    path("environments/<slug:environment>", environments.EnvironmentPage.as_view(), name="api_environment"),
]
