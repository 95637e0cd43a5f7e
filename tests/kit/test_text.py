"""Names: what is taken, what is refused, what is made of them."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.kit.errors import Invalid
from console.kit.text import (
    RESERVED,
    SLUG_MAX,
    SLUG_PATTERN,
    check_key,
    check_login,
    check_name,
    check_slug,
    is_reserved,
    slug_from_name,
)


def code_of(check: object, text: str) -> str | None:
    try:
        check(text)  # type: ignore[operator]
    except Invalid as error:
        return error.errors[0].code
    return None


@pytest.mark.parametrize("text", ["ab", "a1", "admin-console", "a-b-c", "x" * 30, "web2-0"])
def test_slugs(text: str) -> None:
    assert check_slug(text) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_a_slug"),
        ("a", "too_short"),
        ("x" * 31, "too_long"),
        ("A", "not_a_slug"),
        ("1a", "not_a_slug"),
        ("-a", "not_a_slug"),
        ("a-", "not_a_slug"),
        ("a--b", "not_a_slug"),
        ("a_b", "not_a_slug"),
        ("a.b", "not_a_slug"),
        ("ab\n", "not_a_slug"),
        ("青岛", "not_a_slug"),
        ("new", "reserved"),
        ("waybill", "reserved"),
        ("waybill-x", "reserved"),
        ("waybills", "reserved"),
        ("kube-system", "reserved"),
    ],
)
def test_what_is_no_slug(text: str, code: str) -> None:
    assert code_of(check_slug, text) == code


def test_a_key_may_be_one_letter_and_twenty_long() -> None:
    assert check_key("a") == "a"
    assert code_of(check_key, "x" * 21) == "too_long"


def test_every_reserved_word_is_refused() -> None:
    for word in RESERVED:
        assert code_of(check_slug, word) == "reserved"


@pytest.mark.parametrize(("text", "login"), [("HanMei", "hanmei"), (" a ", "a"), ("a.b-c_d", "a.b-c_d"), ("0", "0")])
def test_logins(text: str, login: str) -> None:
    assert check_login(text) == login


@pytest.mark.parametrize("text", ["", " ", "a b", ".a", "a.", "a@b", "ä", "x" * 31, "a\x00b"])
def test_what_is_no_login(text: str) -> None:
    assert code_of(check_login, text) is not None


@pytest.mark.parametrize(
    ("text", "name"), [(" 生产-青岛 ", "生产-青岛"), ("e\u0301", "\u00e9"), ("x" * 64, "x" * 64), ("👩‍🚀", "👩‍🚀")]
)
def test_display_names(text: str, name: str) -> None:
    assert check_name(text) == name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        (" \t ", "required"),
        ("x" * 65, "too_long"),
        ("a\nb", "not_allowed"),
        ("a\x7fb", "not_allowed"),
        ("a\u202eb", "not_allowed"),
        ("a\u2066b", "not_allowed"),
        ("a\u200fb", "not_allowed"),
        ("a\u200bb", "not_allowed"),
        ("a\u2028b", "not_allowed"),
        ("a\ue000b", "not_allowed"),
        ("a\ud800b", "not_allowed"),
    ],
)
def test_what_is_no_display_name(text: str, code: str) -> None:
    assert code_of(check_name, text) == code


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("后台管理系统", "hou-tai-guan-li-xi-tong"),
        ("阿里云-青岛", "a-li-yun-qing-dao"),
        ("生产 2 号", "sheng-chan-2-hao"),
        ("Café Zürich", "cafe-zurich"),
        ("Admin Console", "admin-console"),
        ("ＡＢＣ", "abc"),
        ("2048", "app-2048"),
        ("???", "app"),
        ("new", "app-new"),
        ("waybill tools", "app-waybill-tools"),
        ("x", "app-x"),
        ("a" * 80, "a" * 30),
        ("绿", "lv"),
    ],
)
def test_a_slug_from_a_name(name: str, slug: str) -> None:
    assert slug_from_name(name, lambda text: False) == slug


def test_a_taken_slug_gets_a_number() -> None:
    taken = {"shop", "shop-2"}
    assert slug_from_name("Shop", taken.__contains__) == "shop-3"
    long = {"a" * 30}
    assert slug_from_name("a" * 30, long.__contains__) == "a" * 28 + "-2"


@given(st.text(max_size=80))
def test_whatever_the_name_the_slug_is_one(name: str) -> None:
    slug = slug_from_name(name, lambda text: False)
    assert re.fullmatch(SLUG_PATTERN, slug)
    assert 2 <= len(slug) <= SLUG_MAX
    assert not is_reserved(slug)


@given(st.text(max_size=80))
def test_a_kept_name_is_kept_as_it_is(text: str) -> None:
    try:
        name = check_name(text)
    except Invalid:
        return
    assert check_name(name) == name == unicodedata.normalize("NFC", name).strip()
