"""What failed is tried again, by REST and by the button of the operation's page: the rest of it stays as it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from clusters.models import Revision
from deploy.local.images import push_random
from marketplace.models import Version
from operations.engine.loop import Loop
from operations.models import Operation
from teams.models import User
from tests.clusters.working import ended
from tests.marketplace.deliver.stage import Stage, done, failed, operation, part
from tests.marketplace.servers import Meter, PlainPusher
from tests.marketplace.shop import Shop
from tests.marketplace.world import key

pytestmark = pytest.mark.timeout(300)
MIB = 1024 * 1024
HTTP = {"name": "http", "number": 80}


def pressed(user: User, failed_one: Operation) -> Operation:
    """Press Retry on an operation's page; gives the operation it leads to."""
    client = Client()
    client.force_login(user)
    page = client.get(f"/operations/{failed_one.name}").content.decode()
    form = re.search(r'<form action="([^"]+/retry)".*?name="key" value="([^"]+)".*?id="retry"', page, re.DOTALL)
    assert form is not None, "no button"
    twice = [client.post(form[1], {"key": form[2]}) for _ in range(2)]
    assert twice[0].headers["Location"] == twice[1].headers["Location"], "two clicks are one"
    name = twice[0].headers["Location"].rpartition("/")[2]
    assert name != failed_one.name
    assert f"/operations/{failed_one.name}" in client.get(f"/operations/{name}").content.decode()
    before = client.get(f"/operations/{failed_one.name}").content.decode()
    assert 'id="retry"' not in before and f"/operations/{name}" in before, "it leads to what was tried instead"
    return Operation.objects.get(number=int(name.removeprefix("op-")))


def squat(stage: Stage, place: str, name: str) -> None:
    """Put a stranger's Service where one of the application's shall be."""
    house = stage.house(place)
    house.real.create(f"{house.path}/services", {"metadata": {"name": name}, "spec": {"ports": [{"port": 1}]}})


def leave(stage: Stage, place: str, name: str) -> None:
    """Take it away."""
    house = stage.house(place)
    house.real.api("DELETE", f"{house.path}/services/{name}")


def same(first: Operation, second: Operation) -> None:
    """Hold a retry to what was asked for: a new revision, the same document, the same values."""
    old, new = first.revision, second.revision
    assert second.retry_of == first and new.number == old.number + 1
    assert (new.document, new.values, new.source) == (old.document, old.values, old.source)
    assert new.content()["values"] == old.content()["values"]
    assert (old.state, new.state) == ("failed", "deployed")


def test_of_a_batch_the_part_that_failed_is_tried_again_alone(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", [part("web", ports=[HTTP], replicas={"default": 1, "max": 3})])
    squat(stage, "prod", "shop-web")
    own: dict[str, Any] = {stage.slug("prod"): {"web.replicas": 2}}
    batch = operation(stage.install("test", "prod", values_by_environment=own))
    failed(batch, "children_failed", n=1)
    well = batch.children.get(environment_id=stage.places["test"].pk)
    badly = batch.children.get(environment_id=stage.places["prod"].pk)
    assert (well.state, badly.state, badly.outcome_code) == ("succeeded", "failed", "object_name_taken")
    leave(stage, "prod", "shop-web")

    whole = stage.post(f"operations/{batch.name}/retries", {})
    assert (whole.status_code, whole.json()["code"]) == (409, "not_retryable"), "its parts are"
    fresh = pressed(stage.cast.delivery, badly)
    done(fresh)
    fresh.refresh_from_db()
    badly.refresh_from_db()
    same(badly, fresh)
    assert fresh.parent is None
    assert stage.house("prod").listed("deployments", "apps")["shop-web"]["spec"]["replicas"] == 2
    assert Revision.objects.filter(application=stage.app("test")).count() == 1
    again = stage.post(f"operations/{badly.name}/retries", {})
    assert (again.status_code, again.json()["code"]) == (409, "not_retryable"), "another attempt was made since"


def test_an_upgrade_and_a_rollback_are_tried_again_with_the_same_values(stage: Stage, loop: Loop) -> None:
    level = {"name": "LEVEL", "value": "info"}
    parameter = {"address": "web.variables.LEVEL", "label": "Level", "type": "text"}
    web, extra = part("web", variables=[level]), part("extra", ports=[HTTP])
    stage.version("1.0", [web, extra], parameters=[parameter])
    stage.version("2.0", [web, part("more", ports=[HTTP])], parameters=[parameter])
    done(operation(stage.install("prod", version="1.0", values={"web.variables.LEVEL": "debug"})))

    squat(stage, "prod", "shop-more")
    upgrade = operation(stage.change("upgrades", "prod", version="2.0", values={"web.variables.LEVEL": "trace"}))
    failed(upgrade, "object_name_taken")
    leave(stage, "prod", "shop-more")
    again = operation(stage.post(f"operations/{upgrade.name}/retries", {}))
    done(again)
    upgrade.refresh_from_db()
    again.refresh_from_db()
    same(upgrade, again)
    assert again.revision.values["web.variables.LEVEL"] == {"value": "trace", "origin": "given"}

    squat(stage, "prod", "shop-extra")
    back = operation(stage.change("rollbacks", "prod", revision=1))
    failed(back, "object_name_taken")
    leave(stage, "prod", "shop-extra")
    went = pressed(stage.cast.delivery, back)
    done(went)
    back.refresh_from_db()
    went.refresh_from_db()
    same(back, went)
    assert went.revision.rolls_back_to is not None
    assert went.revision.rolls_back_to.number == 1


def test_whoever_may_not_deliver_sees_why_the_button_is_not_theirs(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", [part("web", ports=[HTTP])])
    squat(stage, "prod", "shop-web")
    bad = operation(stage.install("prod"))
    failed(bad, "object_name_taken")
    client = Client()
    client.force_login(stage.cast.viewer)
    page = client.get(f"/operations/{bad.name}").content.decode()
    assert f"/operations/{bad.name}/retry" not in page and 'aria-disabled="true"' in page
    client.post(f"/operations/{bad.name}/retry", {"key": "k"})
    assert not Operation.objects.filter(retry_of=bad).exists()


def offers(user: User, one: Operation) -> bool:
    """Whether the operation's page has the button."""
    client = Client()
    client.force_login(user)
    return 'id="retry"' in client.get(f"/operations/{one.name}").content.decode()


def test_what_is_over_offers_no_retry(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", [part("web")])
    stage.version("2.0", [part("web"), part("more", ports=[HTTP])])
    first = operation(stage.install("prod", version="1.0"))
    done(first)
    assert not offers(stage.cast.delivery, first)
    squat(stage, "prod", "shop-more")
    bad = operation(stage.change("upgrades", "prod", version="2.0"))
    failed(bad, "object_name_taken")
    assert offers(stage.cast.delivery, bad)
    done(operation(stage.change("rollbacks", "prod")))
    assert not offers(stage.cast.delivery, bad), "another attempt was made since"


def test_a_publication_that_was_given_up_offers_no_retry(
    loop: Loop, shop: Shop, target: Meter, pusher: PlainPusher
) -> None:
    layer = shop.images["web"].layers[1][0]
    assert pusher.caller.call("DELETE", f"/v2/{shop.name}/web/blobs/{layer}").status == 202
    bad = shop.done()
    assert bad.state == "failed" and offers(shop.cast.developer, bad)
    assert shop.api.delete(f"{shop.base}/publications/1").status_code == 204
    assert not offers(shop.cast.developer, bad)


def test_of_a_publication_only_the_image_that_failed_is_copied_again(
    loop: Loop, shop: Shop, target: Meter, pusher: PlainPusher
) -> None:
    layer = shop.images["web"].layers[1][0]
    assert pusher.caller.call("DELETE", f"/v2/{shop.name}/web/blobs/{layer}").status == 202
    bad = shop.done(confirm_by_itself=True)
    assert (bad.state, bad.outcome_code) == ("failed", "image_not_found")
    push_random(pusher, f"{shop.name}/web", "1", [MIB, 300_000], seed=f"{shop.name} a")
    before = target.up
    fresh = ended(pressed(shop.cast.developer, bad).name)
    assert (fresh.state, fresh.retry_of) == ("succeeded", bad)
    assert target.up - before < 1.1 * (MIB + 300_000), "the image that was done was not sent again"
    assert Version.objects.get().state == "published", "it confirms by itself, as was asked for"
    refused = shop.api.post(f"operations/{bad.name}/retries", headers=key())
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
