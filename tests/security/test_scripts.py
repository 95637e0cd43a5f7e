"""What people type stays text: on every page that shows it, in a real browser.

Everywhere somebody can type stand a script, an element with a handler, a link that is one, and a formula. The pages
that show any of it are opened: nothing speaks, the content policy has nothing to stop, and no element was made of it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import resolve, reverse
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route

from clusters.models import Environment
from marketplace.models import Template
from tests.access.matrix import furnished
from tests.cast import Cast
from tests.clusters.working import key
from tests.marketplace import world

pytestmark = [pytest.mark.timeout(180), pytest.mark.browser]

SCRIPT = "'\"><script>alert(1)</script><img src=x onerror=alert(2)>"
"""Fits into a name, and ends an attribute, an element and a text of a script."""
LINK = "javascript:alert(3)//"
FORMULA = '=HYPERLINK("http://evil.example";"x")'
LONG = f"{SCRIPT} <x-made onclick=alert(4)>x</x-made><svg onload=alert(5)> </textarea></title><!-- {LINK} {{{{7*7}}}}"
MADE = (
    "x-made, img[src='x'], [onerror], [onload], [onclick], script:not([src]), iframe, object, embed, base, "
    "a[href^='javascript:' i], [src^='javascript:' i], [action^='javascript:' i]"
)


@dataclass
class Typed:
    """What was typed, by where: each text has a number of its own, so that its page is known."""

    texts: dict[str, str] = field(default_factory=dict)

    def name(self, where: str) -> str:
        """Give a name."""
        self.texts[where] = f"{len(self.texts) + 10}{SCRIPT}"
        return self.texts[where]

    def text(self, where: str) -> str:
        """Give a text of any length."""
        self.texts[where] = f"{len(self.texts) + 10}{LONG}"
        return self.texts[where]


def ask(cast: Cast, part: str, method: str, path: str, body: Any) -> Any:
    """Type by REST, as whoever may."""
    answer = cast.api(part).call(method, path, body, headers=key())
    assert answer.status_code < 300, (path, answer.status_code, answer.content[:400])
    return answer.json() if answer.content else None


def type_everywhere(cast: Cast) -> Typed:
    """Put a text wherever one can be typed."""
    typed = Typed()
    put = typed.name
    ask(cast, "admin", "PATCH", "users/developer", {"name": put("person")})
    ask(cast, "admin", "PATCH", "teams/shop", {"name": put("team")})
    ask(cast, "admin", "PATCH", "environments/shop-test", {"name": put("environment")})
    ask(cast, "admin", "PATCH", "clusters/shop-cluster", {"name": put("cluster")})
    ask(cast, "developer", "PATCH", "environments/shop-test/apps/made", {"name": put("app")})
    ask(
        cast,
        "admin",
        "POST",
        "tokens",
        {"name": put("token"), "expires_at": (timezone.now() + timedelta(days=20)).isoformat()},
    )
    component = {
        "key": "web", "name": put("component"), "image": {"reference": "registry.example.com/dev/web:1"},
        "command": [typed.text("command")], "args": [typed.text("argument"), LINK],
        "run_as": {"user": 10001, "group": 10001},
        "variables": [{"name": "TITLE", "value": typed.text("variable")}],
        "files": [{"path": "/etc/" + put("path of a file").replace("/", ""), "content": typed.text("file")}],
    }  # fmt: skip
    typed.texts["path of a file"] = typed.texts["path of a file"].replace("/", "")
    ask(cast, "developer", "PUT", "environments/shop-test/apps/made/components/web", component)
    template = {"name": put("template"), "intro": typed.text("intro"), "tags": ["=1+2", "<x-made>"]}
    ask(cast, "market", "PATCH", "templates/shop-goods", template)
    marked = {"mark": "release", "reason": typed.text("reason")}
    ask(cast, "tester", "PUT", "templates/shop-goods/versions/2.0/mark", marked)
    ask(cast, "tester", "PUT", "templates/shop-goods/versions/1.0/mark", {"mark": "test", "reason": FORMULA})
    published(cast, typed)
    return typed


def published(cast: Cast, typed: Typed) -> None:
    """A version as its publishing keeps it, with what was typed for it, and an application that runs it."""
    title = {"name": "TITLE", "value": typed.text("published variable")}
    image, digest = "registry.example.com/dev/web:1", f"sha256:{'1' * 64}"
    parameter = {"address": "web.variables.TITLE", "label": typed.name("label"), "type": "choice", "required": True}
    parameter |= {"choices": [title["value"], typed.name("choice"), LINK]}
    version = world.make_version(
        Template.objects.get(slug="shop-goods"),
        "3.0",
        cast.developer,
        [{**world.part("web", image, digest, variables=[title]), "name": typed.name("published component")}],
        parameters=[parameter],
        alias=typed.name("alias"),
        notes=typed.text("notes"),
    )
    world.install(Environment.objects.get(slug="shop-test"), version, slug="runs-it")


def pages_with(cast: Cast, typed: Typed) -> dict[str, str]:
    """Give one page of each kind that shows something typed, and see that everything typed is shown by one."""
    client = cast.browser("admin")
    waiting = ["/", "/audit", "/clusters", "/users", "/account/tokens", "/market", "/operations", "/teams", INSTALL]
    seen: set[str] = set()
    kinds: dict[str, str] = {}
    unseen = set(typed.texts)
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code < 500, path
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        body = answer.content.decode()
        shown = {where for where, text in typed.texts.items() if html.escape(text) in body}
        unseen -= shown
        kind = resolve(path.partition("?")[0]).url_name or path
        if shown and kind not in kinds:
            kinds[kind] = path
        links = re.findall(r'href="(/[^"#?]*)', body)
        waiting += [html.unescape(link) for link in links if not link.startswith(ELSEWHERE)]
    assert not unseen, f"on no page: {unseen}"
    return kinds


ELSEWHERE = ("/static/", "/api/", "/auth/", "/events/")
INSTALL = reverse("template_install", kwargs={"template": "shop-goods"}) + "?version=3.0"
SEARCHED = ("/market", "/teams", "/users", "/audit", "/operations", "/clusters")


@pytest.fixture
def typed(transactional_db: None, live_server: Any) -> tuple[Cast, Typed]:
    """A console whose people typed all of it."""
    cast = furnished()
    return cast, type_everywhere(cast)


def watch(context: BrowserContext) -> list[str]:
    """Collect what speaks, what the policy stops, what fails, and what is asked of elsewhere."""
    heard: list[str] = []

    def dialog(found: Any) -> None:
        heard.append(f"a dialog: {found.message}")
        found.dismiss()

    def told(message: Any) -> None:
        # That the console refused what a page asked of it is no matter of scripts.
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded"):
            heard.append(message.text)

    context.on("dialog", dialog)
    context.on("console", told)
    context.on("weberror", lambda error: heard.append(str(error.error)))
    context.on("request", lambda asked: heard.append(asked.url) if "evil.example" in asked.url else None)
    return heard


def sign_in(context: BrowserContext, cast: Cast, part: str, base: str) -> None:
    """Carry the session of a person over."""
    session = cast.browser(part).cookies["waybill_session"].value
    context.add_cookies([{"name": "waybill_session", "value": session, "url": base}])


def test_what_is_typed_is_text_on_every_page(typed: tuple[Cast, Typed], live_server: Any, browser: Browser) -> None:
    cast, words = typed
    kinds = pages_with(cast, words)
    assert len(kinds) >= 15, sorted(kinds)
    kinds |= {f"{path} searched": f"{path}?q={quote(SCRIPT)}&object={quote(SCRIPT)}" for path in SEARCHED}
    context = browser.new_context(locale="en-GB")
    heard = watch(context)
    sign_in(context, cast, "admin", live_server.url)
    page = context.new_page()
    for kind, path in sorted(kinds.items()):
        page.goto(f"{live_server.url}{path}")
        judge(page, heard, f"{kind} ({path})")
    page.goto(live_server.url + reverse("component_new", kwargs={"environment": "shop-test", "app": "made"}))
    page.evaluate(
        """(text) => document.querySelectorAll('main form :is(input[type=text], textarea)')
        .forEach((field) => { field.removeAttribute('maxlength'); field.value = text; })""",
        LONG,
    )
    with page.expect_navigation():
        page.evaluate("document.querySelector('#save').click()")
    assert page.locator(".field-error").count() > 0
    judge(page, heard, "a form that is shown again")
    context.close()


def judge(page: Page, heard: list[str], where: str) -> None:
    """See that a page shows what was typed, and that it is nothing but text there."""
    made = page.evaluate("(css) => [...document.querySelectorAll(css)].map((one) => one.outerHTML)", MADE)
    assert made == [], where
    assert "<script>alert(1)" in page.evaluate(_EVERYTHING), f"{where} shows none of it"
    assert heard == [], where


_EVERYTHING = """() => document.documentElement.textContent
  + [...document.querySelectorAll('*')].flatMap((one) => [...one.attributes].map((own) => own.value)).join(' ')
  + [...document.querySelectorAll('input, textarea')].map((one) => one.value).join(' ')"""


def test_a_page_that_did_not_escape_is_found_out(typed: tuple[Cast, Typed], live_server: Any, browser: Browser) -> None:
    """The control: the same page with what was typed as it was typed; once with the content policy, once without."""
    cast, _ = typed
    for policy, wanted in ((True, "Content Security Policy"), (False, "a dialog: ")):
        context = browser.new_context(locale="en-GB")
        heard = watch(context)
        sign_in(context, cast, "admin", live_server.url)
        page = context.new_page()
        page.route("**/teams/shop", partial(_unescaped, policy))
        page.goto(f"{live_server.url}/teams/shop")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("(css) => document.querySelectorAll(css).length", MADE) > 0
        assert [line for line in heard if wanted.lower() in line.lower()], (policy, heard)
        context.close()


def _unescaped(policy: bool, route: Route) -> None:
    answer = route.fetch()
    headers = {name: value for name, value in answer.headers.items() if policy or "security-policy" not in name}
    route.fulfill(response=answer, headers=headers, body=html.unescape(answer.text()))
