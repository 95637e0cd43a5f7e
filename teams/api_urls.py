"""The addresses of people under /api/v1."""

from __future__ import annotations

from django.urls import path

from teams.api.me import Me, Password, TokenList, TokenPage
from teams.api.teams import MemberPage, TeamList, TeamPage
from teams.api.trail import AuditEventList
from teams.api.users import UserList, UserOneTimePassword, UserPage

urlpatterns = [
    path("me", Me.as_view(), name="api_me"),
    path("me/password", Password.as_view(), name="api_my_password"),
    path("tokens", TokenList.as_view(), name="api_tokens"),
    path("tokens/<str:prefix>", TokenPage.as_view(), name="api_token"),
    path("users", UserList.as_view(), name="api_users"),
    path("users/<str:login>", UserPage.as_view(), name="api_user"),
    path("users/<str:login>/one-time-password", UserOneTimePassword.as_view(), name="api_user_password"),
    path("teams", TeamList.as_view(), name="api_teams"),
    path("teams/<str:team>", TeamPage.as_view(), name="api_team"),
    path("teams/<str:team>/members/<str:login>", MemberPage.as_view(), name="api_member"),
    path("audit-events", AuditEventList.as_view(), name="api_audit_events"),
]
