"""The shape of a component: what is taken, what is filled in, and every refusal at its place."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.spec import (
    Injected,
    by_key,
    check_application,
    check_component,
    check_references,
    draft_secrets,
    image_text,
    injected,
    levels,
    parse_reference,
    pull_reference,
)
from clusters.spec.image import NotAReference, Reference, accepted_digests
from clusters.spec.text import escape_value, fill, names_in
from console.kit.errors import FieldError, Invalid, Malformed
from tests.clusters.pure import samples


def _errors(data: dict[str, Any], form: Any = "draft") -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refusal:
        check_component(data, form=form)
    assert refusal.value.code == "invalid"
    return [(error.pointer, error.code) for error in refusal.value.errors]


def test_a_published_component_is_already_normal() -> None:
    assert samples.components() == samples.version()["components"]


def test_the_smallest_draft_is_filled_in() -> None:
    filled: dict[str, Any] = dict(check_component(samples.draft()))
    assert filled == {
        "key": "web",
        "name": "web",
        "kind": "stateless",
        "image": {"reference": "registry.example.com/dev/web:2.0", "user": None},
        "command": [],
        "args": [],
        "replicas": {"default": 1, "min": 1, "max": 1, "step": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
        "ports": [],
        "variables": [],
        "files": [],
        "volumes": [],
        "probes": {},
        "run_as": None,
        "depends_on": [],
        "start_timeout": 300,
    }


def test_what_is_normal_stays_as_it_is() -> None:
    once = check_component(
        samples.draft(
            ports=[{"number": 80}, {"number": 53, "protocol": "UDP", "inside": False, "outside": "node_port"}],
            variables=[{"name": "A", "value": "", "offered": True}, {"name": "B", "secret": True, "value": "x"}],
            volumes=[{"name": "data", "path": "/data", "size": "2048Mi"}],
            probes={"liveness": {"kind": "tcp", "port": "tcp-80"}, "startup": None},
            run_as={"user": 7},
            resources={"limits": {"cpu": "1000m"}},
        )
    )
    assert check_component(once) == once
    assert [(port["name"], port["alias"]) for port in once["ports"]] == [("tcp-80", "WEB"), ("udp-53", "WEB_UDP_53")]
    assert once["variables"] == [{"name": "A", "value": "", "offered": True}, {"name": "B", "secret": True}]
    assert once["volumes"][0]["size"] == "2Gi" and once["resources"]["limits"]["cpu"] == "1"
    assert once["run_as"] == {"user": 7, "group": 7}


def test_secrets_are_taken_beside_the_definition() -> None:
    data = samples.draft(
        image={"reference": "r.example.com/a/b:1", "user": "ci", "password": "hush"},
        variables=[
            {"name": "A", "secret": True, "value": "x"},
            {"name": "B", "secret": True},
            {"name": "C", "value": "y"},
        ],
    )
    assert "hush" not in str(check_component(data))
    assert draft_secrets(data) == {"variables": {"A": "x"}, "password": "hush"}


def test_all_problems_are_told_at_once() -> None:
    assert _errors(
        {
            "key": "Web_",
            "name": "a\u202eb",
            "kind": "daemon",
            "image": {"reference": "UPPER/case"},
            "replicas": {"default": 9, "max": 3},
            "ports": [{"number": 0}, "x"],
            "variables": [{"name": "lower", "value": "x"}, {"name": "A"}],
            "depends_on": ["db", "db"],
            "start_timeout": 1,
        }
    ) == [
        ("/key", "not_a_slug"),
        ("/ports/0/number", "value_out_of_range"),
        ("/ports/1", "wrong_type"),
        ("/name", "malformed"),
        ("/kind", "choice_unknown"),
        ("/image/reference", "reference_not_valid"),
        ("/replicas/default", "value_out_of_range"),
        ("/variables/0/name", "malformed"),
        ("/variables/1/value", "required"),
        ("/depends_on/1", "duplicate"),
        ("/start_timeout", "value_out_of_range"),
    ]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"key": None}, "/key", "required"),
        ({"key": 5}, "/key", "wrong_type"),
        ({"key": "a" * 21}, "/key", "too_long"),
        ({"key": "new"}, "/key", "reserved"),
        ({"name": "x" * 65}, "/name", "too_long"),
        ({"name": "  "}, "/name", "required"),
        ({"image": None}, "/image", "required"),
        ({"image": {"reference": "a/b", "password": "x"}}, "/image/user", "required"),
        ({"args": ["a\0"]}, "/args/0", "malformed"),
        ({"args": "web"}, "/args", "wrong_type"),
        ({"args": ["\ud800"]}, "/args/0", "malformed"),
        ({"replicas": {"default": 2, "step": 2, "max": 4}}, "/replicas/default", "value_out_of_range"),
        ({"replicas": {"min": 3, "max": 2}}, "/replicas/max", "value_out_of_range"),
        ({"replicas": {"default": True}}, "/replicas/default", "wrong_type"),
        ({"resources": {"limits": {"cpu": "x"}}}, "/resources/limits/cpu", "malformed"),
        ({"resources": {"limits": {"cpu": "-1"}}}, "/resources/limits/cpu", "malformed"),
        ({"resources": {"limits": {"cpu": "10m"}}}, "/resources/limits/cpu", "value_out_of_range"),
        ({"resources": {"requests": {"memory": "1Gi"}}}, "/resources/requests/memory", "value_out_of_range"),
        ({"ports": [{"number": 80, "outside": "lb"}]}, "/ports/0/outside", "choice_unknown"),
        ({"ports": [{"number": 80, "name": "-x"}]}, "/ports/0/name", "malformed"),
        ({"ports": [{"number": 80}, {"number": 80, "name": "b", "alias": "B"}]}, "/ports/1/number", "duplicate"),
        ({"ports": [{"number": 80, "alias": "A"}, {"number": 81, "alias": "A"}]}, "/ports/1/alias", "duplicate"),
        ({"ports": [{"number": n + 1} for n in range(21)]}, "/ports", "too_many_items"),
        ({"variables": [{"name": "A", "value": "x", "generate": {}}]}, "/variables/0/generate", "not_allowed"),
        ({"variables": [{"name": "A", "value": 1}]}, "/variables/0/value", "wrong_type"),
        ({"variables": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "/variables/1/name", "duplicate"),
        (
            {"variables": [{"name": "A", "secret": True, "generate": {"length": 4}}]},
            "/variables/0/generate/length",
            "value_out_of_range",
        ),
        ({"files": [{"path": "etc/a"}]}, "/files/0/path", "malformed"),
        ({"files": [{"path": "/etc/../a"}]}, "/files/0/path", "malformed"),
        ({"files": [{"path": "/"}]}, "/files/0/path", "malformed"),
        ({"files": [{"path": "/a", "mode": "999"}]}, "/files/0/mode", "malformed"),
        ({"files": [{"path": "/a"}, {"path": "/a"}]}, "/files/1/path", "duplicate"),
        ({"files": [{"path": "/a", "content": "字" * 200_000}]}, "/files/0/content", "too_long"),
        ({"volumes": [{"name": "files", "path": "/a"}]}, "/volumes/0/name", "reserved"),
        ({"volumes": [{"name": "a", "path": "/a", "kind": "shared"}]}, "/volumes/0/kind", "choice_unknown"),
        (
            {"volumes": [{"name": "a", "path": "/a"}], "replicas": {"max": 2}},
            "/replicas/max",
            "value_out_of_range",
        ),
        ({"probes": {"readiness": {"kind": "http", "port": "web"}}}, "/probes/readiness/port", "choice_unknown"),
        ({"probes": {"readiness": {"kind": "command"}}}, "/probes/readiness/command", "required"),
        ({"run_as": {"user": 0}}, "/run_as/user", "value_out_of_range"),
        ({"depends_on": ["web"]}, "/depends_on/0", "dependency_cycle"),
    ],
)
def test_a_wrong_part_is_refused_at_its_place(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert _errors(samples.draft(**changes)) == [(pointer, code)]


def test_fields_nobody_knows_are_malformed_wherever_they_stand() -> None:
    with pytest.raises(Malformed) as refusal:
        check_component(samples.draft(imgae=1, image={"reference": "a/b", "tag": "x"}))
    assert refusal.value.params == {"field": "imgae"}
    assert [error.pointer for error in refusal.value.errors] == ["/imgae", "/image/tag"]


def test_a_version_holds_no_secret_value_and_no_reference() -> None:
    component = samples.version()["components"][1]
    component["variables"][1]["value"] = "smtp"
    assert _errors(component, "version") == [("/variables/1/value", "not_allowed")]
    component = samples.version()["components"][0]
    component["image"]["reference"] = "a/b"
    with pytest.raises(Malformed):
        check_component(component, form="version")
    component["image"] = {"path": "a/b", "digest": "sha256:1"}
    assert _errors(component, "version") == [("/image/digest", "malformed"), ("/image/media_type", "required")]


def test_several_volumes_stand_side_by_side() -> None:
    volumes = [{"name": "data", "path": "/data"}, {"name": "logs", "path": "/logs", "access": "ReadWriteMany"}]
    part = check_component(samples.draft(kind="stateful", volumes=volumes, replicas={"max": 3}))
    assert [volume["name"] for volume in part["volumes"]] == ["data", "logs"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", Reference("docker.io", "library/nginx", "latest", None)),
        ("grafana/grafana:11.1", Reference("docker.io", "grafana/grafana", "11.1", None)),
        ("localhost:5000/a/b", Reference("localhost:5000", "a/b", "latest", None)),
        ("r.example.com/a_b/c-d:V1", Reference("r.example.com", "a_b/c-d", "V1", None)),
        (f"r.example.com/a@sha256:{'0' * 64}", Reference("r.example.com", "a", None, f"sha256:{'0' * 64}")),
        (f"r.example.com/a:1@sha256:{'0' * 64}", Reference("r.example.com", "a", "1", f"sha256:{'0' * 64}")),
    ],
)
def test_references_are_read_as_runtimes_do(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text", ["", "a b", "A/b", "a//b", "a:", "a@sha256:12", "http://a/b", "a/b:x y", "-a", "r.example.com/", "a" * 600]
)
def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(NotAReference):
        parse_reference(text)


def test_what_is_pulled_is_named_by_digest() -> None:
    image = samples.components()[0]["image"]
    assert (
        pull_reference(image, "r.example.com/library/") == f"r.example.com/library/admin-console/web@{image['digest']}"
    )
    assert image_text(image) == f"admin-console/web@{image['digest']}"
    assert image_text({"reference": "a/b:1"}) == "a/b:1"
    assert accepted_digests(image) == {
        image["digest"],
        image["platforms"][0]["digest"],
        image["platforms"][0]["config"],
    }
    with pytest.raises(ValueError, match="no digest"):
        pull_reference({"reference": "a/b:1"})


def test_connection_info_comes_from_what_is_depended_on() -> None:
    known = by_key(samples.components())
    assert injected(known["api"], known, "shop") == [
        Injected("DB_HOST", "db", value="shop-db"),
        Injected("DB_PORT", "db", value="5432"),
        Injected("DB_USER", "db", value="app"),
        Injected("DB_PASSWORD", "db", secret="DB_PASSWORD"),
    ]
    assert injected(known["db"], known, "shop") == []


def test_levels_follow_dependencies() -> None:
    parts = [samples.component(key=key, depends_on=depends) for key, depends in (("a", ["c"]), ("b", []), ("c", []))]
    assert levels(parts) == [["b", "c"], ["a"]]
    assert levels([]) == []


def _application_errors(*parts: Any) -> list[FieldError]:
    with pytest.raises(Invalid) as refusal:
        check_application(list(parts))
    return list(refusal.value.errors)


def test_cycles_are_told_with_their_path() -> None:
    parts = [samples.component(key=key, depends_on=[to]) for key, to in (("a", "b"), ("b", "c"), ("c", "a"))]
    assert _application_errors(*parts) == [
        FieldError("/components/a/depends_on", "dependency_cycle", {"path": ["a", "b", "c", "a"]})
    ]
    with pytest.raises(Invalid):
        check_references(parts)


def test_a_dependency_that_is_not_there_is_refused() -> None:
    assert _application_errors(samples.component(depends_on=["db"])) == [
        FieldError("/components/web/depends_on/0", "unknown_component", {"component": "db"})
    ]


def test_a_name_given_twice_is_refused_never_silently_won() -> None:
    db = samples.component(key="db", ports=[{"number": 5432}], variables=[{"name": "A", "value": "1", "offered": True}])
    mq = samples.component(key="mq", variables=[{"name": "A", "value": "2", "offered": True}])
    own = [{"name": "DB_HOST", "value": "x"}]
    web = samples.component(key="web", depends_on=["db", "mq"], variables=own)
    assert _application_errors(db, mq, web) == [
        FieldError("/components/web/variables", "variable_conflict", {"name": "DB_HOST", "components": ["db", "web"]}),
        FieldError("/components/web/variables", "variable_conflict", {"name": "A", "components": ["db", "mq"]}),
    ]
    check_references([db, mq, web])


def test_a_file_may_use_own_and_injected_variables_only() -> None:
    web = samples.component(
        files=[{"path": "/a", "content": "${A} ${B} $${C} ${}"}], variables=[{"name": "A", "value": ""}]
    )
    assert _application_errors(web) == [
        FieldError("/components/web/files/0/content", "file_variable_unknown", {"name": "B", "path": "/a"}),
        FieldError("/components/web/files/0/content", "file_variable_unknown", {"name": "", "path": "/a"}),
    ]


def test_no_two_components_may_share_a_name_of_an_object() -> None:
    parts = [samples.component(key="web"), samples.component(key="web-outside")]
    assert _application_errors(*parts) == [
        FieldError("/components/web-outside/key", "duplicate", {"value": "web-outside"})
    ]


def test_an_application_has_at_least_one_and_at_most_fifty_components() -> None:
    assert [error.code for error in _application_errors()] == ["required"]
    many = [samples.component(key=f"c{n}") for n in range(51)]
    assert [error.code for error in _application_errors(*many)] == ["too_many_items"]


def test_the_two_small_languages() -> None:
    assert names_in("${A} $${B} ${C} ${A} $D ${") == ["A", "C"]
    assert fill("${A} $${B} ${", lambda name: f"<{name}${{X}}>") == "<A${X}> ${B} ${"
    assert escape_value("$(A) $$ $(") == "$$(A) $$ $$("
