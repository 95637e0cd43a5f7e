"""A component that does not run: its cause is named, the operation ends, and the former revision stays deployed."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.local.plan import RegistryFacts
from marketplace.models import ImageRegistry
from operations.engine.loop import Loop
from tests.clusters.delivery.house import House, begin, done, failed, make_app, part
from tests.waiting import until

PLAYED = ("image_pull_denied",)
"""One of the causes that are named; test_named.py has them all."""


def played(mark: str, key: str = "web", **fields: Any) -> Any:
    return part(key, 2, variables=[{"name": "PLAY", "value": mark}], **fields)


@pytest.mark.parametrize("mark", PLAYED)
def test_a_cause_that_cannot_mend_itself_ends_at_once(house: House, loop: Loop, mark: str) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    operation = failed(begin(house, app, [played(mark)]), "not_ready", component="web", cause=mark, seconds=90)
    assert operation.outcome_params["words"]
    assert operation.changed == "part"
    app.refresh_from_db()
    assert app.current_revision is not None
    assert (app.current_revision.number, app.current_revision.state) == (1, "deployed")
    assert app.revisions.get(number=2).state == "failed"
    # The old pod still serves: the new one never became ready.
    assert house.listed("deployments", "apps")["shop-app-web"]["status"]["readyReplicas"] == 1


@pytest.mark.parametrize(
    ("cause", "fields"),
    [
        ("unschedulable", {"resources": {"requests": {"cpu": "9"}, "limits": {"cpu": "9"}}}),
        ("probe_failing", {"variables": [{"name": "PLAY", "value": "probe_failing"}]}),
        ("slow", {"variables": [{"name": "PLAY", "value": "slow"}, {"name": "PLAY_DELAY", "value": "10m"}]}),
    ],
)
def test_what_could_mend_itself_has_its_start_time(
    house: House, loop: Loop, cause: str, fields: dict[str, Any]
) -> None:
    app = make_app(house)
    operation = failed(begin(house, app, [part("web", start_timeout=10, **fields)]), "not_ready", component="web")
    assert operation.outcome_params["cause"] == cause


@pytest.mark.timeout(240)
def test_a_container_that_ends_again_and_again_is_no_success(house: House, loop: Loop) -> None:
    app = make_app(house)
    flapping = part("web", start_timeout=40, probes={}, variables=[{"name": "PLAY", "value": "flaps"}])
    failed(begin(house, app, [flapping]), "not_ready", component="web", cause="crash_loop", seconds=90)
    # The second attempt sends nothing, for it is there already; that it never stood is not forgotten.
    failed(begin(house, app, [flapping]), "not_ready", component="web", cause="crash_loop", seconds=90)


def test_going_back_from_a_broken_stateful_component(house: House, loop: Loop) -> None:
    app = make_app(house)
    good = part("db", kind="stateful", replicas={"default": 2, "max": 2})
    done(begin(house, app, [good]))
    bad = part(
        "db", 2, kind="stateful", replicas={"default": 2, "max": 2}, variables=[{"name": "PLAY", "value": "crash_loop"}]
    )
    failed(begin(house, app, [bad]), "not_ready", component="db", seconds=90)
    done(begin(house, app, [good]))
    assert house.listed("statefulsets", "apps")["shop-app-db"]["status"]["readyReplicas"] == 2


def test_the_step_says_what_it_waits_for(house: House, loop: Loop) -> None:
    app = make_app(house)
    operation = begin(house, app, [part("web", start_timeout=20, variables=[{"name": "PLAY", "value": "slow"}])])

    def told() -> bool:
        step = operation.steps.filter(key="component:web").first()
        return step is not None and step.message_code in {"pods_starting", "component_waits", "pulling_image"}

    until(told, seconds=30, what="a word about the component")
    failed(operation, "not_ready", component="web", seconds=60)


def test_a_digest_that_nobody_can_tell_apart_is_a_warning(house: House, loop: Loop) -> None:
    app = make_app(house)
    operation = done(begin(house, app, [played("other_image")]))
    step = operation.steps.get(key="verify")
    assert (step.state, step.message_code) == ("warning", "digest_unknown")
    assert step.observed["digests_match"] is None


def test_another_image_than_the_one_asked_for_is_found(
    house: House, loop: Loop, registry: RegistryFacts, sample_images: dict[str, dict[str, str]]
) -> None:
    known = ImageRegistry(
        enterprise=house.enterprise, address=registry.address, user=registry.user, saved_by=house.user
    )
    known.ca_pem = registry.ca_pem
    known.seal_passwords(registry.password, None)
    known.save()
    reference = sample_images["1.0"]["web"]

    def sample(**fields: Any) -> Any:
        component = part("web", **fields)
        component["image"] = {"reference": reference}
        return component

    app = make_app(house)
    good = done(begin(house, app, [sample()]))
    assert good.steps.get(key="verify").observed["digests_match"] is True
    resolved = app.revisions.get().document["components"][0]["image"]
    assert resolved["pull"] == f"{reference.rpartition(':')[0]}@{resolved['digest']}"
    assert {platform["architecture"] for platform in resolved["platforms"]} == {"amd64", "arm64"}
    wrong = sample(variables=[{"name": "PLAY", "value": "other_image"}])
    bad = failed(begin(house, app, [wrong]), "running_digest_differs", component="web")
    assert bad.outcome_params["expected"] == resolved["digest"]


def test_an_image_that_is_not_there_is_found_before_anything_is_sent(
    house: House, loop: Loop, registry: RegistryFacts
) -> None:
    known = ImageRegistry(
        enterprise=house.enterprise, address=registry.address, user=registry.user, saved_by=house.user
    )
    known.ca_pem = registry.ca_pem
    known.seal_passwords(registry.password, None)
    known.save()
    component = part("web")
    component["image"] = {"reference": f"{registry.address}/dev/web:none"}
    operation = failed(begin(house, make_app(house), [component]), "image_not_found")
    assert operation.changed == "nothing"
