"""Addresses of a person's own pages, and of those about people."""

from __future__ import annotations

from django.urls import path

from teams import views
from teams.pages import audit, tokens, users

urlpatterns = [
    path("auth/sign-in", views.sign_in_page, name="sign_in"),
    path("auth/sign-out", views.sign_out_page, name="sign_out"),
    path("auth/language", views.set_language, name="set_language"),
    path("account/password", views.password, name="password"),
    path("account/profile", views.profile, name="profile"),
    path("account/tokens", tokens.token_list, name="token_list"),
    path("account/tokens/<str:prefix>/revocation", tokens.token_revoke, name="token_revoke"),
    path("users", users.user_list, name="user_list"),
    path("users/new", users.user_new, name="user_new"),
    path("users/<str:login>", users.user_page, name="user_page"),
    path("users/<str:login>/state", users.user_state, name="user_state"),
    path("users/<str:login>/password", users.user_password, name="user_password"),
    path("audit", audit.audit_list, name="audit_list"),
]
