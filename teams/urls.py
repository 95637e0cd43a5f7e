"""Addresses of a person's own pages."""

from __future__ import annotations

from django.urls import path

from teams import views

urlpatterns = [
    path("auth/sign-in", views.sign_in_page, name="sign_in"),
    path("auth/sign-out", views.sign_out_page, name="sign_out"),
    path("auth/language", views.set_language, name="set_language"),
    path("account/password", views.password, name="password"),
    path("account/profile", views.profile, name="profile"),
]
