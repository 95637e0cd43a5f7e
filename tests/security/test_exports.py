"""What people type leaves the console as text: in the file of the trail, and in answers of the API."""

from __future__ import annotations

import csv
import io

from django.test import Client

from tests.cast import Cast

SCRIPT = "'\"><script>alert(1)</script><img src=x onerror=alert(2)>"


def test_the_file_of_the_trail_holds_no_formula(cast: Cast) -> None:
    """Every cell of the export, whoever typed what into it: names, reasons, labels, values before and after."""
    for number, sign in enumerate(("=", "+", "-", "@", "\t=", " =", "＝", "\u200b=")):
        name = f"{sign}HYPERLINK({number})"
        cast.api("admin").patch("users/developer", {"name": name})
        cast.api("admin").patch("teams/shop", {"name": name})
    browser = Client()
    browser.force_login(cast.admin, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get("/audit?format=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if cell.lstrip()[:1] in "=+-@＝＋－＠" and cell.strip()] == []
    assert [cell for cell in cells if "HYPERLINK(0)" in cell], "the control: they are in it"


def test_what_was_typed_leaves_the_api_as_json_alone(cast: Cast) -> None:
    """An answer that shows it is never taken for a page, whatever a browser makes of it."""
    cast.api("admin").patch("teams/shop", {"name": SCRIPT})
    answer = cast.api("admin").get("teams/shop")
    assert answer.json()["name"] == SCRIPT
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    problem = cast.api("admin").post("teams", {"name": "a", f"<script>{SCRIPT}": 1})
    assert (problem.status_code, problem.headers["Content-Type"]) == (400, "application/problem+json")
