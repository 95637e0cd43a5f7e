"""The REST addresses of this app. They come before those of the app below: one of them takes an address over."""

from __future__ import annotations

from django.urls import path

from clusters.api import applications, clusters, components, environments, revisions, teams

APP = "environments/<slug:environment>/apps/<slug:app>"

urlpatterns = [
    path("cluster-checks", clusters.ClusterChecks.as_view(), name="api_cluster_checks"),
    path("clusters", clusters.ClusterList.as_view(), name="api_clusters"),
    path("clusters/<slug:cluster>", clusters.ClusterPage.as_view(), name="api_cluster"),
    path("teams", teams.TeamList.as_view(), name="api_teams"),
    path("teams/<slug:team>/environments", environments.TeamEnvironments.as_view(), name="api_team_environments"),
    path("environments", environments.EnvironmentList.as_view(), name="api_environments"),
    path("environments/<slug:environment>", environments.EnvironmentPage.as_view(), name="api_environment"),
    path("environments/<slug:environment>/apps", applications.ApplicationList.as_view(), name="api_apps"),
    path(APP, applications.ApplicationPage.as_view(), name="api_app"),
    path(f"{APP}/components", components.ComponentList.as_view(), name="api_components"),
    path(f"{APP}/components/<slug:key>", components.ComponentPage.as_view(), name="api_component"),
    path(f"{APP}/deployments", applications.Deployments.as_view(), name="api_deployments"),
    path(f"{APP}/desired-state", applications.DesiredState.as_view(), name="api_desired_state"),
    path(f"{APP}/events", applications.ApplicationEvents.as_view(), name="api_app_events"),
    path(f"{APP}/revisions", revisions.RevisionList.as_view(), name="api_revisions"),
    path(f"{APP}/revisions/<int:number>", revisions.RevisionPage.as_view(), name="api_revision"),
    path(f"{APP}/revisions/<int:number>/manifests", revisions.RevisionManifests.as_view(), name="api_manifests"),
    path(f"{APP}/revisions/<int:number>/differences", revisions.RevisionDifferences.as_view(), name="api_differences"),
]
