"""A template's newest version and newest Release follow its versions, whoever changes them."""

from __future__ import annotations

import pytest

from marketplace.actions.mark import mark_version
from marketplace.models import Template, Version
from tests.cast import Cast
from tests.marketplace.world import make_template, make_version


@pytest.fixture
def template(cast: Cast) -> Template:
    """A template without versions."""
    return make_template(cast.team)


def newest(template: Template) -> tuple[str | None, str | None]:
    """The numbers of the newest version and the newest Release, as the row has them."""
    rows = Template.objects.select_related("newest_version", "newest_released")
    row = rows.get(pk=template.pk)
    version, released = row.newest_version, row.newest_released
    return version.number if version else None, released.number if released else None


def test_they_follow_publishing_marking_and_withdrawing(cast: Cast, template: Template) -> None:
    assert newest(template) == (None, None) and not Template.objects.shown().exists()
    two = make_version(template, "2.0", cast.admin)
    one = make_version(template, "1.0", cast.admin, mark="release")
    assert newest(template) == ("2.0", "1.0"), "an older number that came later is not the newest"
    mark_version(acting_user=cast.tester, version=two, mark="release")
    assert newest(template) == ("2.0", "2.0")
    mark_version(acting_user=cast.tester, version=two, mark="test")
    assert newest(template) == ("2.0", "1.0")
    Version.objects.filter(pk=one.pk).update(state="withdrawn")
    assert newest(template) == ("2.0", None)
    Version.objects.filter(pk=two.pk).update(state="withdrawn")
    assert newest(template) == (None, None) and not Template.objects.shown().exists()


def test_what_is_still_copied_does_not_count(cast: Cast, template: Template) -> None:
    first = make_version(template, "1.0", cast.admin)
    waiting = Version.objects.create(
        template=template, registry=first.registry, number="2.0", sort_key="000002.000000.000000~"
    )
    assert newest(template) == ("1.0", None)
    waiting.document, waiting.content_hash, waiting.state = first.document, first.content_hash, "published"
    waiting.save()
    assert newest(template) == ("2.0", None)


def test_a_row_read_before_does_not_undo_them(cast: Cast, template: Template) -> None:
    before = Template.objects.get(pk=template.pk)
    make_version(template, "1.0", cast.admin, mark="release")
    before.intro = "What it is for"
    before.save()
    assert newest(template) == ("1.0", "1.0")
    assert Template.objects.get(pk=template.pk).intro == "What it is for"
