"""Addresses of the pages of the market."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from marketplace.pages import compare, install, market, plans, publish, rollback, template, upgrade

TEMPLATE = "market/<slug:template>"
VERSION = f"{TEMPLATE}/versions/<str:number>"
APP = "environments/<slug:environment>/apps/<slug:app>"
PUBLICATION = f"{APP}/publications/<int:number>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("market", market.market_list, name="market"),
    path(TEMPLATE, template.template_page, name="template_page"),
    path(f"{TEMPLATE}/compare", compare.template_compare, name="template_compare"),
    path(f"{TEMPLATE}/install", install.template_install, name="template_install"),
    path(f"{TEMPLATE}/environments", template.template_environments, name="template_environments"),
    path(f"{TEMPLATE}/introduction", template.template_intro, name="template_intro"),
    path(f"{TEMPLATE}/marks", template.template_marks, name="template_marks"),
    path(VERSION, template.version_page, name="version_page"),
    path(f"{VERSION}/mark", template.version_mark, name="version_mark"),
    path(f"{APP}/publish", publish.app_publish, name="app_publish"),
    path(PUBLICATION, publish.publication_page, name="publication_page"),
    path(f"{PUBLICATION}/parts", publish.publication_parts, name="publication_parts"),
    path(f"{PUBLICATION}/confirmation", publish.publication_confirm, name="publication_confirm"),
    path(f"{PUBLICATION}/removal", publish.publication_give_up, name="publication_give_up"),
    path(f"{PUBLICATION}/retry", publish.publication_retry, name="publication_retry"),
    path(f"{APP}/upgrade", upgrade.app_upgrade, name="app_upgrade"),
    path(f"{APP}/revisions/<int:number>/rollback", rollback.app_rollback, name="app_rollback"),
    path("operations/<str:name>/plan", plans.plan_parts, name="plan_parts"),
]
