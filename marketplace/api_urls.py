"""The REST addresses of the market, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from marketplace.api import installations, publications, rollbacks, settings, templates, upgrades, versions

APP = "environments/<slug:environment>/apps/<slug:app>"
VERSION = "templates/<slug:template>/versions/<str:number>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/registry", settings.RegistrySettings.as_view(), name="api-registry"),
    path("settings/registry/tests", settings.RegistryTests.as_view(), name="api-registry-tests"),
    path("installations", installations.Installations.as_view(), name="api-installations"),
    path(f"{APP}/upgrades", upgrades.Upgrades.as_view(), name="api-upgrades"),
    path(f"{APP}/rollbacks", rollbacks.Rollbacks.as_view(), name="api-rollbacks"),
    path(f"{APP}/publications", publications.Publications.as_view(), name="api-publications"),
    path(f"{APP}/publications/<int:number>", publications.PublicationPage.as_view(), name="api-publication"),
    path(
        f"{APP}/publications/<int:number>/confirmation",
        publications.PublicationConfirmation.as_view(),
        name="api-publication-confirmation",
    ),
    path("templates", templates.Templates.as_view(), name="api-templates"),
    path("templates/<slug:template>", templates.TemplatePage.as_view(), name="api-template"),
    path("templates/<slug:template>/versions", versions.Versions.as_view(), name="api-versions"),
    path(VERSION, versions.VersionPage.as_view(), name="api-version"),
    path(f"{VERSION}/document", versions.VersionDocument.as_view(), name="api-version-document"),
    path(f"{VERSION}/mark", versions.VersionMark.as_view(), name="api-version-mark"),
    path(f"{VERSION}/marks", versions.VersionMarks.as_view(), name="api-version-marks"),
]
