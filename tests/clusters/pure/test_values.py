"""Values: addresses, carrying over, generating, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.spec import Component
from clusters.values import Former, Parameter, Settled, apply, check_parameters, portable, settle
from console.kit.errors import Invalid, Malformed
from tests.clusters.pure import samples


def _fingerprint(value: str) -> str:
    return f"fp-{value}"


def _parameters(parts: list[Component]) -> list[Parameter]:
    return check_parameters(samples.version()["parameters"], parts)


def _settle(given: dict[str, Any], former: Former | None = None, **changes: Any) -> Settled:
    parts: list[Component] = changes.pop("components", None) or samples.components()
    parameters = changes.pop("parameters", "sample")
    return settle(
        parts,
        _parameters(parts) if parameters == "sample" else parameters,
        given=given,
        former=former or Former(),
        generate=lambda rule: "g" * rule["length"],
        fingerprint=_fingerprint,
        **changes,
    )


def _errors(refusal: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in refusal.value.errors]


def test_an_install_takes_what_is_given_and_generates_the_rest() -> None:
    settled = _settle({"web.variables.LOG_LEVEL": "debug", "web.replicas": 3, "api.variables.SMTP_PASSWORD": "smtp"})
    assert settled == Settled(
        values={
            "web.variables.LOG_LEVEL": {"value": "debug", "origin": "given"},
            "web.replicas": {"value": 3, "origin": "given"},
            "api.variables.SESSION_KEY": {"secret": "fp-" + "g" * 32, "origin": "generated"},
            "api.variables.SMTP_PASSWORD": {"secret": "fp-smtp", "origin": "given"},
            "db.variables.DB_PASSWORD": {"secret": "fp-" + "g" * 24, "origin": "generated"},
        },
        secrets={
            "api.variables.SESSION_KEY": "g" * 32,
            "api.variables.SMTP_PASSWORD": "smtp",
            "db.variables.DB_PASSWORD": "g" * 24,
        },
        generated=("api.variables.SESSION_KEY", "db.variables.DB_PASSWORD"),
    )


def test_what_is_missing_is_told_and_refused_when_it_must_be_whole() -> None:
    settled = _settle({})
    assert settled.missing == ("api.variables.SMTP_PASSWORD",)
    with pytest.raises(Invalid) as refusal:
        settled.require_complete()
    assert _errors(refusal) == [("/values/api.variables.SMTP_PASSWORD", "value_missing")]


def test_an_upgrade_keeps_what_is_there_drops_what_is_gone_and_resets_on_request() -> None:
    former = Former(
        values={
            "web.variables.LOG_LEVEL": {"value": "debug", "origin": "given"},
            "web.replicas": {"value": 3, "origin": "given"},
            "api.replicas": {"value": 2, "origin": "given"},
            "report.replicas": {"value": 2, "origin": "given"},
            "api.variables.SMTP_PASSWORD": {"secret": "old", "origin": "given"},
            "db.variables.DB_PASSWORD": {"secret": "old", "origin": "generated"},
        },
        secrets={"api.variables.SMTP_PASSWORD": "smtp", "db.variables.DB_PASSWORD": "kept"},
    )
    settled = _settle({"web.variables.LOG_LEVEL": "warn"}, former, reset=["web.replicas"])
    assert settled.kept == ("api.variables.SMTP_PASSWORD", "api.replicas", "db.variables.DB_PASSWORD")
    assert settled.dropped == ("report.replicas",)
    assert settled.generated == ("api.variables.SESSION_KEY",)
    assert settled.reset == ("web.replicas",)
    assert settled.missing == ()
    assert settled.values["web.variables.LOG_LEVEL"] == {"value": "warn", "origin": "given"}
    assert "web.replicas" not in settled.values
    assert settled.secrets["db.variables.DB_PASSWORD"] == "kept"
    assert settled.values["db.variables.DB_PASSWORD"] == {"secret": "fp-kept", "origin": "generated"}


def test_resetting_a_generated_secret_makes_a_new_one() -> None:
    former = Former(
        {"db.variables.DB_PASSWORD": {"secret": "x", "origin": "generated"}}, {"db.variables.DB_PASSWORD": "a"}
    )
    settled = _settle({"api.variables.SMTP_PASSWORD": "s"}, former, reset=["db.variables.DB_PASSWORD"])
    assert settled.secrets["db.variables.DB_PASSWORD"] == "g" * 24
    assert settled.dropped == ()


def test_a_former_value_the_new_document_does_not_take_is_an_error_that_a_reset_mends() -> None:
    former = Former({"web.replicas": {"value": 9, "origin": "given"}})
    given = {"api.variables.SMTP_PASSWORD": "s"}
    with pytest.raises(Invalid) as refusal:
        _settle(given, former)
    assert _errors(refusal) == [("/values/web.replicas", "value_out_of_range")]
    assert "web.replicas" not in _settle(given, former, reset=["web.replicas"]).values


@pytest.mark.parametrize(
    ("address", "value", "code"),
    [
        ("nobody.replicas", 1, "unknown_address"),
        ("web.variables.TITLE", "x", "unknown_address"),
        ("web.image", "x", "unknown_address"),
        ("db.variables.DB_PASSWORD", "mine", "not_allowed"),
        ("web.replicas", 6, "value_out_of_range"),
        ("web.replicas", "3", "wrong_type"),
        ("web.replicas", True, "wrong_type"),
        ("web.replicas", None, "required"),
        ("web.variables.LOG_LEVEL", "loud", "choice_unknown"),
        ("web.resources.limits.cpu", "fast", "malformed"),
        ("web.resources.limits.cpu", "10m", "value_out_of_range"),
        ("web.resources.limits.memory", None, "required"),
        ("web.ports.http.node_port", 80, "value_out_of_range"),
        ("api.ports.http.node_port", 30080, "unknown_address"),
        ("db.volumes.data.size", "1", "value_out_of_range"),
        ("api.variables.SMTP_PASSWORD", "", "required"),
    ],
)
def test_a_value_that_may_not_stand_there_is_refused(address: str, value: Any, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        _settle({"api.variables.SMTP_PASSWORD": "s", address: value})
    assert _errors(refusal) == [(f"/values/{address}", code)]


def test_the_size_of_a_volume_that_exists_is_settled() -> None:
    given = {"api.variables.SMTP_PASSWORD": "s", "db.volumes.data.size": "20Gi"}
    assert _settle(given).values["db.volumes.data.size"] == {"value": "20Gi", "origin": "given"}
    with pytest.raises(Invalid) as refusal:
        _settle(given, volumes_there={"db.volumes.data"})
    assert _errors(refusal) == [("/values/db.volumes.data.size", "not_allowed")]


def test_an_application_made_by_hand_has_open_secrets_and_nothing_else() -> None:
    settled = _settle({"api.variables.SMTP_PASSWORD": "s", "db.variables.DB_PASSWORD": "mine"}, parameters=None)
    assert settled.values == {
        "api.variables.SESSION_KEY": {"secret": "fp-" + "g" * 32, "origin": "generated"},
        "api.variables.SMTP_PASSWORD": {"secret": "fp-s", "origin": "given"},
        "db.variables.DB_PASSWORD": {"secret": "fp-mine", "origin": "given"},
    }
    with pytest.raises(Invalid) as refusal:
        _settle({"web.replicas": 2}, parameters=None)
    assert _errors(refusal) == [("/values/web.replicas", "unknown_address")]
    inherited = Former(settled.values, settled.secrets).generated()
    assert inherited == Former(
        {"api.variables.SESSION_KEY": {"secret": "fp-" + "g" * 32, "origin": "generated"}},
        {"api.variables.SESSION_KEY": "g" * 32},
    )


def test_values_are_applied_to_copies_and_taken_off_again() -> None:
    parts = samples.components()
    settled = _settle(
        {
            "web.variables.LOG_LEVEL": "debug",
            "web.replicas": 4,
            "web.resources.limits.cpu": "1000m",
            "web.ports.http.node_port": 30080,
            "api.variables.SMTP_PASSWORD": "s",
            "db.volumes.data.size": "20480Mi",
            "db.volumes.data.storage_class": "fast",
        }
    )
    web, api, db = apply(parts, settled.values)
    assert parts == samples.components()
    assert web["variables"][0] == {"name": "LOG_LEVEL", "value": "debug"}
    assert (web["replicas"]["default"], web["resources"]["limits"]["cpu"]) == (4, "1")
    assert web["ports"][0]["node_port"] == 30080
    assert api["variables"][1] == {"name": "SMTP_PASSWORD", "secret": True, "fingerprint": "fp-s"}
    assert (db["volumes"][0]["size"], db["volumes"][0]["storage_class"]) == ("20Gi", "fast")
    assert portable(api) == parts[1]
    assert "node_port" not in portable(web)["ports"][0]


def test_a_switch_and_a_number_reach_the_container_as_text() -> None:
    part = samples.component(variables=[{"name": "FAST", "value": "false"}, {"name": "COUNT", "value": "1"}])
    parameters = check_parameters(
        [
            {"address": "web.variables.FAST", "label": "Fast", "type": "switch"},
            {"address": "web.variables.COUNT", "label": "Count", "type": "number", "min": 1, "max": 9},
        ],
        [part],
    )
    given = {"web.variables.FAST": True, "web.variables.COUNT": 7}
    settled = _settle(given, components=[part], parameters=parameters)
    assert apply([part], settled.values)[0]["variables"] == [
        {"name": "FAST", "value": "true"},
        {"name": "COUNT", "value": "7"},
    ]
    with pytest.raises(Invalid) as refusal:
        _settle({"web.variables.FAST": "yes", "web.variables.COUNT": 10}, components=[part], parameters=parameters)
    assert _errors(refusal) == [
        ("/values/web.variables.FAST", "wrong_type"),
        ("/values/web.variables.COUNT", "value_out_of_range"),
    ]


def test_parameters_are_checked_and_required_secrets_are_always_declared() -> None:
    parts = samples.components()
    assert check_parameters([], parts) == [
        {"address": "api.variables.SMTP_PASSWORD", "label": "SMTP_PASSWORD", "type": "secret", "required": True}
    ]
    assert check_parameters(samples.version()["parameters"], parts) == samples.version()["parameters"]


@pytest.mark.parametrize(
    ("parameter", "pointer", "code"),
    [
        ({"address": "web.replicas", "label": "x"}, "/parameters/0/address", "unknown_address"),
        ({"address": "web.variables.TITLE", "type": "choice", "label": "x"}, "/parameters/0/choices", "required"),
        ({"address": "web.variables.TITLE", "type": "text", "choices": ["a"]}, "/parameters/0/choices", "not_allowed"),
        ({"address": "api.variables.SMTP_PASSWORD", "type": "text"}, "/parameters/0/type", "choice_unknown"),
        ({"address": "web.variables.TITLE", "type": "text", "pattern": "(a+)+"}, "/parameters/0/pattern", "malformed"),
        (
            {"address": "web.variables.TITLE", "type": "text", "pattern": "a*a*a*a*b"},
            "/parameters/0/pattern",
            "malformed",
        ),
        ({"address": "web.variables.TITLE", "type": "text", "pattern": "[z-a]"}, "/parameters/0/pattern", "malformed"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(parameter: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_parameters([parameter], samples.components())
    assert _errors(refusal) == [(pointer, code)]


def test_a_parameter_with_a_field_nobody_knows_is_malformed() -> None:
    with pytest.raises(Malformed, match="unknown_field"):
        check_parameters([{"address": "web.variables.TITLE", "lable": "x"}], samples.components())


def test_a_pattern_holds_the_whole_value() -> None:
    part = samples.component(variables=[{"name": "HOST", "value": ""}])
    declared = {"address": "web.variables.HOST", "label": "Host", "type": "text", "pattern": "[a-z][a-z0-9.-]*"}
    parameters = check_parameters([declared | {"required": True}], [part])
    assert _settle({}, components=[part], parameters=parameters).missing == ("web.variables.HOST",)
    assert _settle({"web.variables.HOST": "a.b"}, components=[part], parameters=parameters).missing == ()
    with pytest.raises(Invalid) as refusal:
        _settle({"web.variables.HOST": "a b"}, components=[part], parameters=parameters)
    assert _errors(refusal) == [("/values/web.variables.HOST", "malformed")]
