"""Addresses of the pages of the market that platform management holds."""

from __future__ import annotations

from django.urls import path

from marketplace.pages import registry

urlpatterns = [path("settings/registry", registry.registry_settings, name="registry_settings")]
