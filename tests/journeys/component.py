"""A component typed into its form, from the shape in which the API takes it."""

from __future__ import annotations

from typing import Any

from tests.journeys.walker import Walker

Json = dict[str, Any]


def fill_new(walker: Walker, component: Json) -> None:
    """Fill the form of a new component with all that differs from what the form offers."""
    say = walker.story
    walker.fill("#id_name", component["name"])
    walker.fill("#id_own_key", component["key"])
    if component["kind"] != "stateless":
        walker.choose("#id_kind", component["kind"])
    image(walker, component)
    walker.fill("#id_image_user", component["image"]["user"])
    walker.fill("#id_image_password", component["image"]["password"])
    for kind, title in (
        ("ports", "Ports"),
        ("variables", "Variables"),
        ("files", "Configuration files"),
        ("volumes", "Volumes"),
    ):
        if component[kind]:
            walker.unfold(say(title))
            for index, row in enumerate(component[kind]):
                ROWS[kind](walker, f"#id_{kind}_{index}", row)
    depends(walker, component)
    walker.unfold(say("Replicas and resources"))
    _numbers(walker, "replicas", component["replicas"])
    for side, amounts in component["resources"].items():
        _numbers(walker, f"resources_{side}", amounts)
    if component["probes"]:
        walker.unfold(say("Health probes"))
        for name, probe in component["probes"].items():
            _probe(walker, f"#id_probes_{name}", probe)
    walker.unfold(say("Command and identity"))
    walker.fill("#id_args", "\n".join(component["args"]))
    _numbers(walker, "run_as", component["run_as"])
    walker.fill("#id_start_timeout", component["start_timeout"])


def image(walker: Walker, component: Json) -> None:
    """Type the image."""
    walker.fill("#id_image_reference", component["image"]["reference"])


def depends(walker: Walker, component: Json) -> None:
    """Tick what it depends on."""
    if component["depends_on"]:
        walker.unfold(walker.story("Dependencies"))
        for key in component["depends_on"]:
            walker.tick(walker.page.locator(f'[name="depends_on"][value="{key}"]'))


def _numbers(walker: Walker, part: str, given: Json) -> None:
    for name, value in given.items():
        walker.fill(f"#id_{part}_{name}", value)


def port(walker: Walker, row: str, given: Json) -> None:
    """Fill a row of ports."""
    for name in ("number", "name", "alias"):
        walker.fill(f"{row}_{name}", given[name])
    if given["outside"] != "none":
        walker.choose(f"{row}_outside", given["outside"])


def variable(walker: Walker, row: str, given: Json) -> None:
    """Fill a row of variables."""
    walker.fill(f"{row}_name", given["name"])
    walker.fill(f"{row}_value", given.get("value", ""))
    for name in ("secret", "offered"):
        if given.get(name):
            walker.tick(walker.page.locator(f"{row}_{name}"))
    if rule := given.get("generate"):
        walker.choose(f"{row}_generate", rule["alphabet"])
        walker.fill(f"{row}_length", rule["length"])


def file(walker: Walker, row: str, given: Json) -> None:
    """Fill a row of configuration files."""
    for name in ("path", "mode", "content"):
        walker.fill(f"{row}_{name}", given[name])


def volume(walker: Walker, row: str, given: Json) -> None:
    """Fill a row of volumes."""
    for name in ("name", "path", "size"):
        walker.fill(f"{row}_{name}", given[name])


ROWS = {"ports": port, "variables": variable, "files": file, "volumes": volume}


def _probe(walker: Walker, part: str, given: Json) -> None:
    walker.choose(f"{part}_kind", given["kind"])
    for name in ("port", "path", "initial_delay", "period", "timeout", "failures"):
        if name in given:
            walker.fill(f"{part}_{name}", given[name])
    if "command" in given:
        walker.fill(f"{part}_command", "\n".join(given["command"]))
