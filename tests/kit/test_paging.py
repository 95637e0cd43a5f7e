"""Lists whose order and size stand in the address."""

from __future__ import annotations

import re

import pytest
from django.test import Client, RequestFactory

from console.kit.paging import Paged, paged
from teams.models import User
from tests.builders import make_user
from tests.cast import Cast

SORTS = {"login": "login", "seen": "last_login"}


def listed(query: str = "", **more: object) -> Paged[User]:
    request = RequestFactory().get(f"/users{query}")
    return paged(request, User.objects.all(), filters=("q",), sorts=SORTS, sort="login", **more)  # type: ignore[arg-type]


def test_a_list_is_sorted_as_its_address_says(cast: Cast) -> None:
    logins = [row.login for row in listed().rows]
    assert logins == sorted(logins)
    assert [row.login for row in listed("?sort=-login").rows] == logins[::-1]
    assert [row.login for row in listed("?sort=password").rows] == logins, "not a column one may sort by"
    assert [row.login for row in listed("?sort=--login").rows] == logins


def test_what_has_no_value_stands_last_either_way(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.tester)
    assert listed("?sort=seen").rows[0] == listed("?sort=-seen").rows[0] == cast.tester


def test_links_keep_filters_order_and_size(cast: Cast) -> None:
    for _ in range(30):
        make_user(cast.enterprise)
    first = listed("?q=a&sort=-login&size=25")
    assert first.next == "/users?q=a&sort=-login&page=2"
    assert first.orders == {"login": "/users?q=a&sort=login", "seen": "/users?q=a&sort=seen"}
    assert listed().orders["login"] == "/users?sort=-login"
    assert [size.href for size in first.sizes] == [
        "/users?q=a&sort=-login",
        "/users?q=a&sort=-login&size=50",
        "/users?q=a&sort=-login&size=100",
    ]
    assert first.kept == {"sort": "-login"}
    assert listed("?size=50").kept == {"size": "50"}
    assert first.sizable and listed("?size=100").sizable


@pytest.mark.parametrize("path", ["/users", "/teams", "/clusters", "/market", "/operations", "/audit"])
def test_every_list_takes_its_order_from_the_address(cast: Cast, path: str) -> None:
    client = Client()
    client.force_login(cast.admin)
    client.get("/teams")
    page = client.get(path).content.decode()
    for href in re.findall(r'class="sort" href="([^"]+)"', page):
        answer = client.get(href.replace("&amp;", "&"))
        assert answer.status_code == 200
        assert "aria-sort=" in answer.content.decode()
        if "sort=" in href:
            assert '<input type="hidden" name="sort"' in answer.content.decode()
