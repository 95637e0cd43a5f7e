"""Image references, typed and made."""

from __future__ import annotations

import pytest

from console.kit.errors import Invalid
from marketplace.registry import reference
from marketplace.registry.reference import Reference, parse

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("nginx", Reference("docker.io", "library/nginx", "latest")),
        ("nginx:1.27", Reference("docker.io", "library/nginx", "1.27")),
        ("goodrain/web", Reference("docker.io", "goodrain/web", "latest")),
        ("docker.io/nginx", Reference("docker.io", "library/nginx", "latest")),
        ("index.docker.io/a/b:1", Reference("docker.io", "a/b", "1")),
        ("localhost/web", Reference("localhost", "web", "latest")),
        ("registry.example.com/dev/web:2.0", Reference("registry.example.com", "dev/web", "2.0")),
        ("Registry.Example.com:5000/a", Reference("registry.example.com:5000", "a", "latest")),
        (f"r.example/a/b/c__d@{DIGEST}", Reference("r.example", "a/b/c__d", None, DIGEST)),
        (f"r.example/a:1@{DIGEST}", Reference("r.example", "a", "1", DIGEST)),
        ("[::1]:5000/a:x", Reference("[::1]:5000", "a", "x")),
        ("10.0.0.1:80/a", Reference("10.0.0.1:80", "a", "latest")),
    ],
)
def test_a_typed_reference_is_read_as_container_runtimes_do(typed: str, read: Reference) -> None:
    assert parse(typed) == read
    assert parse(str(read)) == read


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " nginx",
        "nginx:",
        "nginx:-1",
        "a//b",
        "/a",
        "a/",
        "Upper/case",
        "r.example/Upper",
        "r.example:99999/a",
        "r.example:0/a",
        "r.example/a@sha256:12",
        "r.example/a@md5:" + "a" * 32,
        "https://r.example/a",
        "user@r.example/a",
        "r.example/" + "a" * 256,
        "r.example/a:" + "t" * 129,
        "r.example/a b",
        "r.example/a\n",
        "-r.example/a",
    ],
)
def test_what_names_no_image_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(typed)
    assert refused.value.code == "reference_not_valid"


def test_docker_hub_answers_elsewhere_than_it_is_named() -> None:
    assert parse("nginx").endpoint == "registry-1.docker.io"
    assert parse("r.example/a").endpoint == "r.example"


def test_a_digest_wins_over_a_tag() -> None:
    assert parse(f"r.example/a:1@{DIGEST}").wanted == DIGEST
    assert parse("r.example/a:1").pinned(DIGEST) == f"r.example/a@{DIGEST}"


@pytest.mark.parametrize("typed", ["https://r.example", "r.example/", "r.example/path", "a:b:c", "", "r.example:x"])
def test_an_address_is_host_and_port_alone(typed: str) -> None:
    with pytest.raises(Invalid):
        reference.parse_address(typed)


@pytest.mark.parametrize(
    ("typed", "kept"), [("", ""), ("library", "library"), ("/a/b/", "a/b"), ("team/x-y_z", "team/x-y_z")]
)
def test_a_prefix_has_any_number_of_segments(typed: str, kept: str) -> None:
    assert reference.parse_prefix(typed) == kept


@pytest.mark.parametrize("typed", ["A", "a//b", "a b", "-a", "a" * 129])
def test_a_prefix_follows_the_grammar_of_paths(typed: str) -> None:
    with pytest.raises(Invalid):
        reference.parse_prefix(typed)


def test_a_published_image_lies_at_template_and_component_under_the_number() -> None:
    made = reference.published("registry.example.com", "a/library", "admin-console/web", "2.0-rc.1")
    assert str(made) == "registry.example.com/a/library/admin-console/web:2.0-rc.1"
    assert str(reference.published("r.example", "", "t/web", "1")) == "r.example/t/web:1"


def test_a_name_too_long_for_any_registry_is_refused() -> None:
    with pytest.raises(Invalid):
        reference.published("r" * 200 + ".example", "a" * 60, "template/web", "1.0")
