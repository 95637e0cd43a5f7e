"""The few tags every page is made of: icons, states, times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext

from console.kit.dates import clock_text, moment_text
from console.kit.paging import Paged
from console.kit.phrases import gap as gap_between
from console.kit.phrases import joined
from console.kit.status import look

register = template.Library()


@register.simple_tag
def sign(name: str, spin: bool = False) -> SafeString:
    """Draw a status sign of the sprite; it is decoration, the word beside it carries the meaning."""
    return format_html('<svg class="i{}" aria-hidden="true"><use href="#s-{}"/></svg>', " spin" if spin else "", name)


@register.filter
def initial(name: str) -> str:
    """Give the letter that stands for a person: the last one of a Chinese name, the first one of any other."""
    return name[-1:] if "\u4e00" <= name[-1:] <= "\u9fff" else name[:1].upper()


@register.simple_tag
def status(kind: str, state: str, word: str = "", chip: bool = False) -> SafeString:
    """Show a state as sign and word. `word` replaces the usual word."""
    shown = look(kind, state)
    icon = sign(shown.icon, spin=shown.icon == "run")
    return format_html(
        '<span class="st {}{}">{}{}</span>', shown.family, " chip" if chip else "", icon, word or shown.word
    )


@register.simple_tag
def family(kind: str, state: str) -> str:
    """Give the family of a state, for the element that carries it."""
    return look(kind, state).family


@register.simple_tag
def word(kind: str, state: str) -> str:
    """Give the word of a state without its sign."""
    return str(look(kind, state).word)


@register.simple_tag
def icon_of(kind: str, state: str) -> SafeString:
    """Draw the sign of a state without its word."""
    shown = look(kind, state)
    return sign(shown.icon, spin=shown.icon == "run")


@register.simple_tag
def icon_at(kind: str, state: str, x: int, y: int) -> SafeString:
    """Draw the sign of a state inside a drawing, 16 units wide."""
    return format_html('<use href="#s-{}" x="{}" y="{}" width="16" height="16"/>', look(kind, state).icon, x, y)


@register.simple_tag
def moment(value: datetime | None, clock: bool = False, still: bool = False) -> SafeString | str:
    """Show a point in time in the reader's zone and its exact value for machines; `clock`: the time of day alone.

    A time of day that stands alone can be asked for its day like `ago`; one of many lines (`still`) cannot by keys.
    """
    if value is None:
        return "–"
    return _time(value, clock_text(value) if clock else moment_text(value), asks=clock and not still)


def _time(value: datetime, text: str, *, asks: bool) -> SafeString:
    """Write a time with its exact value: for machines, under the pointer, and, when it `asks`, on focus and touch."""
    exact = timezone.localtime(value).isoformat(" ", "seconds")
    if not asks:
        return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact, text)
    return format_html(
        '<time class="when" datetime="{}" data-exact="{}" tabindex="0">{}</time>', value.isoformat(), exact, text
    )


@register.filter
def seconds(value: float | None) -> str:
    """Say a duration in whole units: `2 s`, `4 min 05 s`, `1 h 12 min`."""
    if value is None:
        return ""
    whole = int(value)
    if whole < 60:
        return gettext("%(seconds)d s") % {"seconds": whole}
    if whole < 3600:
        return gettext("%(minutes)d min %(seconds)02d s") % {"minutes": whole // 60, "seconds": whole % 60}
    return gettext("%(hours)d h %(minutes)d min") % {"hours": whole // 3600, "minutes": whole % 3600 // 60}


@register.simple_tag
def ago(value: datetime | None) -> SafeString | str:
    """Say how long ago something was, with the exact time for machines, on hover, and on focus or touch."""
    if value is None:
        return pgettext("time", "never")
    passed = max(0, int((timezone.now() - value).total_seconds()))
    if passed < 60:
        text = ngettext("%(n)d second ago", "%(n)d seconds ago", passed) % {"n": passed}
    elif passed < 3600:
        text = ngettext("%(n)d minute ago", "%(n)d minutes ago", passed // 60) % {"n": passed // 60}
    elif passed < 86400:
        text = ngettext("%(n)d hour ago", "%(n)d hours ago", passed // 3600) % {"n": passed // 3600}
    else:
        return moment(value)
    return _time(value, text, asks=True)


@register.simple_tag
def mark(value: str) -> SafeString:
    """Show the mark of a version in words: the Release badge, or the plain word Test."""
    if value == "release":
        return format_html('<span class="vm release">{}{}</span>', sign("star"), pgettext("mark", "Release"))
    return format_html('<span class="vm">{}</span>', pgettext("mark", "Test"))


@register.simple_tag
def version(number: str, value: str) -> SafeString:
    """Show a version's number together with its mark: nowhere does one stand without the other."""
    return format_html('<span class="ver"><b>{}</b>{}</span>', number, mark(value))


@register.filter
def listed(words: Iterable[object]) -> str:
    """Join the parts of a list as the reader's language does."""
    return joined(words)


@register.simple_tag
def gap() -> str:
    """Stand between two sentences, or after a colon, as the reader's language has it."""
    return gap_between()


@register.filter
def short_digest(value: str | None) -> str:
    """Cut a digest in its middle: `9f2c51de…b2f4`."""
    if not value:
        return "–"
    letters = value.rpartition(":")[2]
    return letters if len(letters) <= 14 else f"{letters[:8]}…{letters[-4:]}"


@register.simple_tag
def column(page: Paged[Any], name: str, label: str, css: str = "") -> SafeString:
    """Head a column that can be sorted by: a link that sorts, and what it is sorted by now, for ears and for eyes."""
    direction = {name: "ascending", f"-{name}": "descending"}.get(page.sort, "")
    return format_html(
        '<th scope="col"{}{}><a class="sort" href="{}">{}{}</a></th>',
        format_html(' class="{}"', css) if css else "",
        format_html(' aria-sort="{}"', direction) if direction else "",
        page.orders[name],
        label,
        sign("up" if direction == "ascending" else "down") if direction else "",
    )


@register.simple_tag
def refusal(right: str, team: str, who: list[str]) -> str:
    """Say which role a refused control needs, and who can give it."""
    return gettext("This needs the right “%(right)s” in %(team)s. %(who)s can give it.") % {
        "right": right,
        "team": team,
        "who": listed(who) or gettext("An enterprise admin"),
    }
