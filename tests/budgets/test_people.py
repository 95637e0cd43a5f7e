"""A list costs the same number of queries with one row and with fifty."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import add_member, make_team, make_token, make_user
from tests.cast import Cast

PATHS = {"me": 4, "tokens": 2, "users": 3, "teams": 4, "audit-events": 5, "teams/shop": 4}
"""Address → the queries it may cost, the reading of the token among them."""


def cost(cast: Cast, path: str) -> int:
    api = cast.api("admin")
    api.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert api.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("path", PATHS)
def test_the_number_of_queries_does_not_grow(cast: Cast, path: str) -> None:
    api = cast.api("admin")
    api.patch("teams/shop", {"name": "Store"})
    few = cost(cast, path)
    for number in range(50):
        user = make_user(cast.enterprise, f"extra{number}")
        add_member(cast.team, user, "viewer", "tester")
        add_member(make_team(cast.enterprise, f"extra{number}"), user, "admin")
        make_token(cast.admin)
        api.put(f"teams/shop/members/extra{number}", {"roles": ["viewer"]})
    assert cost(cast, path) == few
    assert few <= PATHS[path]
