"""“Show as API call”: what a page prints is a request that the API takes, and it holds no secret."""

from __future__ import annotations

import html
import json
import re
import shlex
from typing import Any

from clusters.models import Application
from marketplace.models import Template
from operations.models import Operation
from tests.cast import Cast
from tests.pages import test_install, test_upgrade
from tests.pages.test_market import client_of

office = test_install.office
template, application = test_upgrade.template, test_upgrade.office


def printed(page: str) -> tuple[str, str, dict[str, Any]]:
    """Read the command a page prints: method, path below /api/v1, body."""
    found = re.search(r'<details class="params call.*?<pre[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    words = shlex.split(html.unescape(found[1]).replace("\\\n", " "))
    assert words[:2] == ["curl", "--request"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert "Idempotency-Key: $(uuidgen)" in words and "Authorization: Bearer $TOKEN" in words
    return words[2], words[3].partition("/api/v1/")[2], json.loads(options["--data"])


def send(cast: Cast, page: str, **more: Any) -> Any:
    method, path, body = printed(page)
    return cast.api("delivery").call(method, path, body | more, headers={"Idempotency-Key": "one"})


def test_the_call_of_an_installation_installs_and_keeps_the_secret(cast: Cast, office: Template) -> None:
    test_install.place(cast.team, "one")
    test_install.place(cast.team, "two")
    client = client_of(cast.delivery)
    fields: dict[str, Any] = {
        "environments": ["one", "two"],
        "values_web.variables.SMTP_PASSWORD": "s3cret",
        "do": "plan",
    }
    page = test_install.sent(client, **fields).content.decode()
    plan = Operation.objects.get(is_batch=True)
    call = printed(page)[2]
    assert call["plan_id"] == plan.name
    assert call["values"] == {"web.variables.SMTP_PASSWORD": "…"}
    assert "s3cret" not in printed(page)[2]["values"].values()
    assert call["environments"] == ["one", "two"] and call["version"] == "2.0"
    answer = send(cast, page, values={"web.variables.SMTP_PASSWORD": "s3cret"}, plan_id=None)
    assert answer.status_code == 202, answer.json()


def test_the_call_of_an_upgrade_upgrades(cast: Cast, application: Application) -> None:
    place = application.environment.slug
    page = client_of(cast.delivery).get(f"/environments/{place}/apps/back-office/upgrade?to=2.0").content.decode()
    assert printed(page)[:2] == ("POST", f"environments/{place}/apps/back-office/upgrades")
    answer = send(cast, page)
    assert answer.status_code == 202, answer.json()


def test_the_call_of_the_way_back_goes_back(cast: Cast, application: Application) -> None:
    place = application.environment.slug
    client = client_of(cast.delivery)
    address = f"/environments/{place}/apps/back-office"
    assert send(cast, client.get(f"{address}/upgrade?to=2.0").content.decode()).status_code == 202
    test_upgrade.finish(application, application.installation.template.versions.get(number="2.0"))
    page = client.get(f"{address}/revisions/1/rollback").content.decode()
    method, path, body = printed(page)
    assert (method, body) == ("POST", {"revision": 1})
    answer = cast.api("delivery").call(method, path, body, headers={"Idempotency-Key": "two"})
    assert answer.status_code == 202, answer.json()


def test_nothing_is_printed_before_there_is_something_to_ask_for(cast: Cast, office: Template) -> None:
    test_install.place(cast.team, "one")
    test_install.place(cast.team, "two")
    page = client_of(cast.delivery).get("/market/back-office/install").content.decode()
    assert "Show as API call" not in page
