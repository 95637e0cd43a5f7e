"""Settings tried and saved, an application published: by REST, where tokens are asked for or a password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clusters.manifests.config import docker_config
from clusters.manifests.scope import PullCredential
from marketplace import registries
from marketplace.models import ImageRegistry
from marketplace.registry.client import push
from operations.engine.loop import Loop
from teams.models import AuditEvent
from tests.clusters.working import ended, steps_of
from tests.marketplace.registries.shapes import Shape, basic, redirecting
from tests.marketplace.registries.tokens import TokenServer, token_registry
from tests.marketplace.shop import Shop
from tests.marketplace.test_settings import run_test

PREFIX = "one/two/three"


def wish(address: str, **changes: Any) -> dict[str, Any]:
    return {
        "address": address,
        "prefix": PREFIX,
        "user": "ci",
        "password": "secret",
        "ca_pem": None,
        "plain_http": True,
        **changes,
    }


def saved(shop: Shop, address: str) -> ImageRegistry:
    """Try the settings, and put them to use."""
    operation = run_test(shop.cast, wish(address))
    assert operation.state == "succeeded"
    # The cluster there is nobody answers for; its pull is told as a warning and ends nothing.
    steps = {step: state for step, state in steps_of(operation).items() if not step.startswith("pull:")}
    assert steps == {"login": "done", "push": "done", "clean": "done"}
    answer = shop.cast.api("admin").put("settings/registry", {"test": operation.name})
    assert answer.status_code == 200, answer.content
    return ImageRegistry.objects.get(state="current")


def test_with_a_token_server_it_is_tried_saved_and_published_to(loop: Loop, shop: Shop, tmp_path: Path) -> None:
    with TokenServer() as server, token_registry(tmp_path, server) as front:
        saved(shop, front.address)
        tried = len(server.asked)
        operation = shop.done(confirm_by_itself=True)
        assert operation.state == "succeeded"
        wanted = [push(f"{PREFIX}/shop/{part}") for part in ("db", "web")]
        assert server.scopes()[tried:] == [wanted], "one token for all that is published"
        document = shop.api.get("templates/shop/versions/1.0/document").json()
    digests = {one["key"]: one["image"]["digest"] for one in document["components"]}
    assert digests == {part: image.digest for part, image in shop.images.items()}


@pytest.mark.parametrize("make", [basic, redirecting])
def test_with_a_password_it_is_tried_saved_and_published_to(
    loop: Loop, shop: Shop, goal: str, tmp_path: Path, make: Any
) -> None:
    with make(goal, tmp_path) as shape:
        assert isinstance(shape, Shape)
        row = saved(shop, shape.place.address)
        assert (row.prefix, row.plain_http) == (PREFIX, True)
        assert shop.done(confirm_by_itself=True).state == "succeeded"
        put = [one.path for one in shape.front.asked if one.method == "PUT" and one.path.endswith("/manifests/1.0")]
        assert sorted(put) == [f"/v2/{PREFIX}/shop/{part}/manifests/1.0" for part in ("db", "web")]

        # What clusters pull with: the account of the registry, by its host and port alone.
        accounts = registries.pull_credentials(shop.cast.enterprise)
        assert accounts[row.address] == PullCredential(user="ci", password="secret")
        assert f'"{row.address}":{{"username":"ci","password":"secret","auth":"Y2k6c2VjcmV0"}}' in docker_config(
            accounts
        )


def test_without_tls_it_is_refused_until_the_switch_says_so_which_is_audited(loop: Loop, shop: Shop, goal: str) -> None:
    refused = run_test(shop.cast, wish(goal, plain_http=False))
    assert (refused.state, refused.outcome_code) == ("failed", "tls_not_trusted")
    answer = shop.cast.api("admin").put("settings/registry", {"test": refused.name})
    assert (answer.status_code, answer.json()["code"]) == (409, "check_failed")
    assert not AuditEvent.objects.filter(action="registry.saved").exists()

    saved(shop, goal)
    event = AuditEvent.objects.get(action="registry.saved")
    assert event.after is not None
    assert (event.after["plain_http"], event.after["address"], event.after["prefix"]) == (True, goal, PREFIX)
    assert "secret" not in str(event.after)

    body = wish(goal, plain_http=False, save_untested=True)
    answer = shop.cast.api("admin").put("settings/registry", body)
    assert answer.status_code == 200, answer.content
    back = AuditEvent.objects.get(action="registry.saved_untested")
    assert (back.before, back.after) != (None, None)
    assert back.before is not None and back.after is not None
    assert (back.before["plain_http"], back.after["plain_http"]) == (True, False)
    operation = shop.publish().json()["id"]
    assert ended(operation).outcome_code == "tls_not_trusted", "what is saved is what is spoken"
