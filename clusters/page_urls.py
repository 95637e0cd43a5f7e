"""Addresses of the pages of teams, environments and applications."""

from __future__ import annotations

from django.urls import path

from clusters import log_stream
from clusters.pages import apps, components, deploying, environments, records, teams

APP = "environments/<slug:environment>/apps/<slug:app>"

urlpatterns = [
    path("teams", teams.team_list, name="team_list"),
    path("teams/new", teams.team_new, name="team_new"),
    path("teams/<slug:team>", teams.team_page, name="team_page"),
    path("teams/<slug:team>/members", teams.team_members, name="team_members"),
    path("teams/<slug:team>/members/<str:login>", teams.member_change, name="member_change"),
    path("teams/<slug:team>/members/<str:login>/removal", teams.member_remove, name="member_remove"),
    path("teams/<slug:team>/environments", environments.team_environments, name="team_environments"),
    path("teams/<slug:team>/environments/new", environments.environment_new, name="environment_new"),
    path("environments/<slug:environment>", environments.environment_page, name="environment_page"),
    path("environments/<slug:environment>/retry", environments.environment_retry, name="environment_retry"),
    path("environments/<slug:environment>/removal", environments.environment_remove, name="environment_remove"),
    path("environments/<slug:environment>/apps/new", apps.app_new, name="app_new"),
    path(APP, apps.app_page, name="app_page"),
    path(f"{APP}/parts", apps.app_parts, name="app_parts"),
    path(f"{APP}/desired-state", apps.app_state, name="app_state"),
    path(f"{APP}/settings", apps.app_settings, name="app_settings"),
    path(f"{APP}/removal", apps.app_remove, name="app_remove"),
    path(f"{APP}/events", apps.app_events, name="app_events"),
    path(f"{APP}/components", components.app_components, name="app_components"),
    path(f"{APP}/components/new", components.component_new, name="component_new"),
    path(f"{APP}/components/<slug:key>", components.component_page, name="component_page"),
    path(f"{APP}/components/<slug:key>/removal", components.component_remove, name="component_remove"),
    path(f"{APP}/components/<slug:key>/log", apps.component_log, name="component_log"),
    path(f"{APP}/deploy", deploying.app_deploy, name="app_deploy"),
    path(f"{APP}/revisions", records.app_revisions, name="app_revisions"),
    path(f"{APP}/revisions/<int:number>", records.revision_page, name="revision_page"),
    path(f"events/{APP}/components/<slug:key>/log", log_stream.component_log, name="component_log_text"),
]
