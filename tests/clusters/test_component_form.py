"""The form of a component says exactly what the API would: there and back, rows, secrets, refusals at their place."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from clusters.forms.components import ComponentForm
from clusters.present.components import EXAMPLE
from console.kit.errors import FieldError, Invalid

WHOLE: dict[str, Any] = {
    **EXAMPLE,
    "command": ["sh", "-c"],
    "args": ["one\ntwo", "three"],
    "probes": {
        "readiness": {"kind": "http", "port": "http", "path": "/health", "initial_delay": 0, "period": 2, "timeout": 1,
                      "failures": 3},
        "liveness": {"kind": "command", "command": ["sh", "-c", "ping\n  web"], "initial_delay": 5, "period": 10,
                     "timeout": 1, "failures": 3},
    },
}  # fmt: skip
BARE = {"name": "Web", "kind": "stateless", "image_reference": "r.example.com/web:1"}


def sent(**fields: Any) -> QueryDict:
    """Give a posted form as a browser sends it."""
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        if isinstance(value, list):
            data.setlist(name, value)
        elif value is True:
            data[name] = "on"
        elif value is not False and value is not None:
            data[name] = str(value).replace("\n", "\r\n")
    return data


def whole_form(former: dict[str, Any], **changes: Any) -> ComponentForm:
    """Give the form of a component as it is shown, sent back with changes."""
    shown = ComponentForm(former=former, others=[("api", "api")])
    fields = {name: shown[name].value() for name in shown.fields}
    counts = {f"{name}_count": count for name, count in shown.counts.items()}
    data = sent(**{**fields, **counts, **changes})
    return ComponentForm(data, former=former, others=[("api", "api")], counts=shown.counts)


def test_what_is_shown_and_sent_back_says_the_same() -> None:
    form = whole_form(WHOLE)
    assert form.is_valid(), form.errors
    said = form.component()
    assert said["command"] == WHOLE["command"]
    assert said["args"] == ["one\ntwo", "three"]
    assert said["files"] == WHOLE["files"]
    assert said["probes"] == WHOLE["probes"]
    assert said["ports"] == WHOLE["ports"]
    assert said["depends_on"] == ["api"]
    assert said["replicas"] == WHOLE["replicas"]
    assert said["resources"] == WHOLE["resources"]
    assert said["run_as"] == WHOLE["run_as"]
    assert said["variables"] == [
        {"name": "LOG_LEVEL", "value": "info", "secret": False, "offered": False},
        {"name": "SESSION_KEY", "secret": True, "offered": False,
         "generate": {"length": 32, "alphabet": "alphanumeric"}},
    ]  # fmt: skip
    assert [{name: value for name, value in WHOLE["volumes"][0].items() if name not in ("kind", "storage_class")}] == (
        said["volumes"]
    )


def test_a_bare_form_says_little_and_rows_are_counted_once_used() -> None:
    form = ComponentForm(sent(**BARE, ports_1_number=8080, ports_0_inside=True, ports_1_inside=True))
    assert form.is_valid(), form.errors
    said = form.component()
    assert said["ports"] == [{"number": 8080, "inside": True}]
    assert (said["variables"], said["files"], said["volumes"], said["probes"]) == ([], [], [], {})
    assert "key" not in said and "run_as" not in said


def test_a_row_is_taken_out() -> None:
    form = whole_form(WHOLE, variables_0_gone=True)
    assert form.is_valid()
    assert [variable["name"] for variable in form.component()["variables"]] == ["SESSION_KEY"]


def test_a_refusal_finds_its_row_again() -> None:
    form = ComponentForm(sent(**BARE, ports_1_number=8080))
    assert form.is_valid()
    form.component()
    places = ("/ports/0/alias", "/key", "/components/web/depends_on", "/components/other/variables")
    form.refuse(Invalid("invalid", errors=[FieldError(place, "required") for place in places]))
    assert {"ports_1_alias", "own_key", "depends_on"} <= set(form.errors)


def test_a_problem_of_a_sibling_stands_above_the_form() -> None:
    form = ComponentForm(sent(**BARE), others=[("db", "db")])
    assert form.is_valid()
    form.component()
    form.refuse(Invalid("invalid", errors=[FieldError("/components/db/name", "required")]))
    assert list(form.errors) == ["__all__"]


def test_typed_secrets_are_taken_out_before_the_form_is_shown_again() -> None:
    data = sent(**BARE, image_user="u", image_password="p4ss", variables_0_name="KEY", variables_0_value="hush",
                variables_0_secret=True, variables_1_name="PLAIN", variables_1_value="kept")  # fmt: skip
    form = ComponentForm(data)
    form.forget_secrets()
    page = form.as_p()
    assert "hush" not in page and "p4ss" not in page and "kept" in page
    assert form.forgotten[0] == "KEY" and len(form.forgotten) == 2


def test_a_probe_takes_the_only_port_or_a_number() -> None:
    one = ComponentForm(sent(**BARE, ports_0_number=8080, probes_readiness_kind="tcp"))
    assert one.is_valid()
    assert one.component()["probes"]["readiness"]["port"] == "tcp-8080"
    fields = {"ports_0_number": 8080, "ports_0_name": "http", "ports_1_number": 9090}
    two = ComponentForm(sent(**BARE, **fields, probes_liveness_kind="http", probes_liveness_port="8080"))
    assert two.is_valid()
    assert two.component()["probes"]["liveness"]["port"] == "http"


def test_an_engine_is_offered_where_one_is_set_and_taken_back_where_it_no_longer_is(settings: Any) -> None:
    settings.WAYBILL_DOCKER_HOST = None
    bare = ComponentForm(sent(**BARE, image_from="docker"))
    assert "image_from" not in bare.fields and bare.is_valid()
    assert bare.component()["image"]["from"] == "registry", "what is not offered is not taken"
    settings.WAYBILL_DOCKER_HOST = "unix:///run/nowhere.sock"
    chosen = ComponentForm(sent(**BARE, image_from="docker"))
    assert chosen.is_valid() and chosen.component()["image"]["from"] == "docker"
    unsaid = ComponentForm(sent(**BARE))
    assert unsaid.is_valid() and unsaid.component()["image"]["from"] == "registry"
    former = {**WHOLE, "image": {**WHOLE["image"], "from": "docker"}}
    settings.WAYBILL_DOCKER_HOST = None
    assert ComponentForm(former=former)["image_from"].value() == "docker"
    chosen.refuse(Invalid("invalid", errors=[FieldError("/image/from", "docker_not_set")]))
    assert "image_from" in chosen.errors


def test_several_volumes_are_shown_changed_and_asked_for() -> None:
    volumes: list[dict[str, Any]] = [
        {"name": "data", "path": "/data", "size": "1Gi", "storage_class": None, "access": "ReadWriteOnce"},
        {"name": "logs", "path": "/logs", "size": "2Gi", "storage_class": "fast", "access": "ReadWriteMany"},
    ]
    former = {**WHOLE, "kind": "stateful", "volumes": [{**volume, "kind": "persistent"} for volume in volumes]}
    shown = ComponentForm(former=former)
    group = next(group for group in shown.groups if group["name"] == "volumes")
    assert (group["filled"], group["count"], group["open"]) == (2, 3, True)
    form = whole_form(former, volumes_2_name="cache", volumes_2_path="/cache")
    assert form.is_valid(), form.errors
    kept = [{name: value for name, value in volume.items() if value is not None} for volume in volumes]
    assert form.component()["volumes"] == [
        *kept,
        {"name": "cache", "path": "/cache"},
    ]
    form = whole_form(former, volumes_0_gone=True)
    assert form.is_valid()
    assert [volume["name"] for volume in form.component()["volumes"]] == ["logs"]


def test_a_route_is_shown_and_sent_back_and_goes_with_its_choice() -> None:
    port = {**WHOLE["ports"][0], "outside": "http_route", "host": "shop.example.com", "path": "/shop"}
    former = {**WHOLE, "ports": [port]}
    form = whole_form(former)
    assert form.is_valid(), form.errors
    assert form.component()["ports"] == [port]
    form = whole_form(former, ports_0_outside="none")
    assert form.is_valid()
    assert not {"host", "path"} & set(form.component()["ports"][0])
    form = whole_form(former, ports_0_outside="node_port", ports_0_host="other.example.com")
    assert form.is_valid()
    assert form.component()["ports"][0]["host"] == "other.example.com", "what was typed is told, not forgotten"
