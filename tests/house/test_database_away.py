"""A database that throws everybody out: whoever asks is told to ask again, and that nothing is wrong with the wish."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection
from django.test import Client

from operations import registry
from operations.models import Operation
from tests.operations import toy
from tests.operations.people import Shop, make_shop
from tests.operations.test_api import post, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.operations.urls")]


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    """Somebody who may ask."""
    registry.register(toy.ToyRunner())
    return make_shop()


def throw_out() -> None:
    """End the server's side of this thread's connection, as a server that restarts does."""
    connection.ensure_connection()
    said = connection.get_connection_params()
    address = {name: said[name] for name in ("host", "port", "user", "password", "dbname") if name in said}
    assert connection.connection is not None
    with psycopg.connect(**address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])


def test_a_program_is_told_to_ask_again(shop: Shop) -> None:
    client = signed_in(shop.user)
    client.raise_request_exception = False
    throw_out()
    answer = post(client, "/api/v1/toys", key="again")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready_yet")
    assert (answer.headers["Retry-After"], answer.json()["params"]) == ("1", {"reason": "database"})
    connection.close()
    assert post(client, "/api/v1/toys", key="again").status_code == 202
    assert Operation.objects.count() == 1


def test_a_person_is_told_so_on_a_page(shop: Shop) -> None:
    client = signed_in(shop.user)
    client.raise_request_exception = False
    throw_out()
    answer = client.get("/")
    assert answer.status_code == 503
    assert b"The console is not ready (database)." in answer.content
    connection.close()
    assert Client().get("/livez").status_code == 200
