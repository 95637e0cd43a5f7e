"""What surrounds a request: whom the console believes about addresses, and the id that every answer carries."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from console.kit.context import current
from console.middleware import Surroundings

PROXIES = (ipaddress.ip_network("10.9.0.0/16"),)


def answered(request: HttpRequest) -> HttpResponse:
    """Answer with what the console holds true about the caller."""
    return HttpResponse(f"{current().ip} {request.is_secure()} {current().request_id}")


def ask(peer: str, **headers: str) -> tuple[str, str, str]:
    request = RequestFactory().get("/", REMOTE_ADDR=peer, **headers)  # type: ignore[arg-type]
    answer = Surroundings(answered)(request)
    assert isinstance(answer, HttpResponse)
    ip, secure, request_id = answer.content.decode().split()
    assert answer.headers["X-Request-Id"] == request_id
    return ip, secure, request_id


@pytest.fixture
def _proxied(settings: LazySettings) -> None:
    settings.WAYBILL_TRUSTED_PROXIES = PROXIES


@pytest.mark.usefixtures("_proxied")
@pytest.mark.parametrize(
    ("peer", "forwarded", "believed"),
    [
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.9.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.9.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.9.0.1", "198.51.100.1, 10.9.3.3", "198.51.100.1"),
        ("10.9.0.1", "nonsense", "10.9.0.1"),
        ("10.9.0.1", "", "10.9.0.1"),
    ],
)
def test_the_nearest_address_that_is_no_listed_proxy_is_the_caller(peer: str, forwarded: str, believed: str) -> None:
    assert ask(peer, HTTP_X_FORWARDED_FOR=forwarded)[0] == believed


@pytest.mark.usefixtures("_proxied")
def test_only_a_listed_proxy_may_say_that_tls_ended_there_and_give_the_id() -> None:
    said = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_REQUEST_ID": "given-by-the-proxy"}
    assert ask("10.9.0.1", **said)[1:] == ("True", "given-by-the-proxy")
    ip, secure, request_id = ask("203.0.113.5", **said)
    assert (ip, secure) == ("203.0.113.5", "False")
    assert len(request_id) == 16
    assert ask("10.9.0.1", HTTP_X_REQUEST_ID="bad id\n")[2] != "bad id\n"


async def _answered_later(request: HttpRequest) -> HttpResponse:
    return answered(request)


def test_an_asynchronous_view_is_surrounded_too() -> None:
    from asgiref.sync import async_to_sync

    async def ask_later() -> HttpResponse:
        pending = Surroundings(_answered_later)(AsyncRequestFactory().get("/"))
        assert not isinstance(pending, HttpResponse)
        answer = await pending  # type: ignore[misc]
        assert isinstance(answer, HttpResponse)
        return answer

    # In a thread of its own: a browser that another test drives may run an event loop in this one.
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(async_to_sync(ask_later)).result()
    assert answer.headers["X-Request-Id"] == answer.content.decode().split()[2]
