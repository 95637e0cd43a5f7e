"""Comparing two versions of a template."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.models import Template
from tests.cast import Cast
from tests.marketplace import world
from tests.pages import test_upgrade
from tests.pages.test_market import client_of, text_of

template = test_upgrade.template
PAGE = "/market/back-office/compare"


def words(cast: Cast, query: str = "", person: str = "viewer") -> str:
    return text_of(client_of(getattr(cast, person)).get(f"{PAGE}{query}"))


def test_what_differs_between_two_versions_is_told_by_component(cast: Cast, template: Template) -> None:
    page = words(cast, "?from=1.0&to=2.0")
    assert "1 changed 1 new 1 removed" in page
    assert "info" in page and "warn" in page
    assert "Removed. Its volumes are kept." in page
    assert "Unchanged: same" in page


def test_the_other_way_round_is_told_the_other_way_round(cast: Cast, template: Template) -> None:
    html = client_of(cast.viewer).get(f"{PAGE}?from=2.0&to=1.0").content.decode()
    assert html.index("warn</code>") < html.index("info</code>")


def test_without_a_choice_the_newest_is_compared_with_the_one_before(cast: Cast, template: Template) -> None:
    html = client_of(cast.viewer).get(PAGE).content.decode()
    assert '<option value="2.1" selected>2.1 Test' in html
    assert '<option value="2.0" selected>2.0 ★ Release' in html
    assert "No component differs." in words(cast)
    assert '<option value="1.0" selected>1.0 ★ Release' in client_of(cast.viewer).get(f"{PAGE}?to=2.0").content.decode()
    assert "This is the same version twice." in words(cast, "?from=2.0&to=2.0")


@pytest.mark.parametrize("query", ["?from=9.9", "?to=x", "?from=1.0&to=9.9"])
def test_a_version_that_is_not_there_is_not_found(cast: Cast, template: Template, query: str) -> None:
    assert client_of(cast.viewer).get(f"{PAGE}{query}").status_code == 404


def test_who_does_not_see_the_template_does_not_see_what_changed_in_it(cast: Cast, template: Template) -> None:
    Template.objects.filter(pk=template.pk).update(scope="team")
    assert client_of(cast.neighbour).get(PAGE).status_code == 404
    assert client_of(cast.stranger).get(PAGE).status_code == 404


def test_the_template_leads_there_once_there_are_two_versions(cast: Cast, template: Template) -> None:
    def link(path: str) -> Any:
        return client_of(cast.viewer).get(path).content.decode()

    assert f'href="{PAGE}"' in link("/market/back-office")
    assert f'href="{PAGE}?to=2.0"' in link("/market/back-office/versions/2.0")
    alone = world.make_template(cast.team, "alone", name="Alone")
    test_upgrade.publish(
        alone, "1.0", cast.developer, [test_upgrade.one_of("web", "a", variables=test_upgrade.level("a"))]
    )
    assert "/market/alone/compare" not in link("/market/alone")
