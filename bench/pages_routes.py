"""Every address that a page or a GET of the API has, with things of the seeded enterprise in it."""

from __future__ import annotations

from typing import Any

from bench.house import House
from bench.pages_house import ask

NOT_MEASURED = {
    # They answer no GET, or lead on at once.
    *("member_change", "member_remove", "environment_retry", "environment_remove", "app_state", "app_remove"),
    *("component_remove", "cluster_remove", "version_mark", "publication_confirm", "publication_give_up"),
    *("publication_retry", "operation_cancel", "operation_retry", "user_state", "user_password", "token_revoke"),
    *("sign_out", "set_language", "sign_in"),
    # Streams, and what a cluster or another program has to answer first.
    *("component_log_text", "operation-events", "plan_parts"),
    # Probes and documents without rows.
    *("livez", "readyz", "metrics", "openapi", "api_docs", "api_problem"),
}
LISTS: dict[str, tuple[str, ...]] = {
    "team_list": ("", "q=team-0005", "sort=members", "page=40"),
    "cluster_list": ("", "q=cluster-00", "state=online"),
    "user_list": ("", "q=user15", "sort=-seen", "page=80"),
    "market": ("", "q=ledger", "sort=-installed", "tag=java", "mark=release", "page=80"),
    "operation_list": ("", "q=app-77", "state=failed", "kind=publish", "mine=1", "sort=state", "page=400"),
    "audit_list": ("", "actor=developer", "action=member", "team=team-000002", "object=app-77", "page=400"),
    "team_page": ("", "page=2"),
    "template_page": ("", "page=10"),
    "template_environments": ("",),
    "template_marks": ("",),
    "app_revisions": ("",),
    "api_teams": ("", "q=team-0005"),
    "api_clusters": ("",),
    "api_users": ("", "q=user15"),
    "api_environments": ("",),
    "api_team_environments": ("",),
    "api_apps": ("",),
    "api_revisions": ("",),
    "api_audit_events": ("", "actor=developer", "action=member", "team=team-000002", "count=true"),
    "api-operations": ("", "state=failed", "kind=publish", "environment=env-000001", "count=true"),
    "api-templates": ("", "q=ledger", "mark=release"),
    "api-versions": ("",),
    "api-version-marks": ("",),
}
"""Lists by route, each with the filters it is measured with."""


def addresses(house: House) -> dict[str, list[str]]:
    """Give route → its addresses in this console. Raises RuntimeError for a route nobody has thought of."""
    names, found, unknown = _names(house), {}, []
    for name, route in _routes().items():
        if name in NOT_MEASURED:
            continue
        values = {key.partition(">")[0]: value for key, value in names.items()}
        path = "/" + route
        for part in [part for part in path.split("/") if part.startswith("<")]:
            key = part.strip("<>").rpartition(":")[2]
            own = f"{name}.{key}" if f"{name}.{key}" in values else key
            if own not in values:
                unknown.append(f"{name}: {part}")
                break
            path = path.replace(part, str(values[own]))
        found[name] = [f"{path}?{query}" if query else path for query in LISTS.get(name, ("",))]
    if unknown:
        raise RuntimeError(f"no value for {unknown}")
    return found


def _routes() -> dict[str, str]:
    """Give the name of each route that may answer a GET, with its path."""
    from django.urls import get_resolver
    from django.urls.resolvers import URLPattern

    from console.api import BASE, api_patterns

    found = {}
    for pattern in api_patterns():
        view: Any = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        if "GET" in view.operations():
            found[str(getattr(pattern, "name", ""))] = str(pattern.pattern)
    waiting = list(get_resolver().url_patterns)
    while waiting:
        pattern = waiting.pop()
        if not isinstance(pattern, URLPattern):
            waiting += pattern.url_patterns
        elif pattern.name and not str(pattern.pattern).startswith(BASE):
            found[pattern.name] = str(pattern.pattern)
    return found


def _names(house: House) -> dict[str, Any]:
    """Give what stands for each part of an address; `route.part` is for one route alone."""
    made = ask(house, "SELECT slug FROM application WHERE origin = 'made' ORDER BY id LIMIT 1")
    upgraded = "SELECT {} FROM revision r JOIN application a ON a.current_revision_id = r.id JOIN operation o "
    upgraded += "ON o.id = r.operation_id WHERE a.slug = 'app-1'"
    number = ask(house, upgraded.format("r.number"))
    operation = ask(house, upgraded.format("o.number"))
    version = ask(
        house,
        "SELECT number FROM version v JOIN template t ON t.id = v.template_id WHERE t.slug = %s "
        "AND v.state = 'published' AND v.mark = 'release' ORDER BY sort_key DESC LIMIT 1",
        "ledger-000001",
    )
    of_made: tuple[str, ...] = (
        "app_components",
        "component_new",
        "component_page",
        "app_deploy",
        "app_publish",
        "publication_page",
    )
    of_made += ("publication_parts", "api_components", "api_component", "api-publication", "api-publications")
    return {
        "environment": "env-000001",
        "app": "app-1",
        "team": "team-000001",
        "cluster": "cluster-0002",
        "template": "ledger-000001",
        "login": "user4",
        "key": "web",
        "name": f"op-{operation}",
        "number": number,
        **{f"{name}.number": f"op-{operation}" for name in ("api-operation", "api-operation-log")},
        **{f"{name}.number": version for name in ("version_page", "api-version", "api-version-document")},
        "api-version-marks.number": version,
        "app_rollback.number": 1,
        **{f"{name}.number": 1 for name in ("publication_page", "publication_parts", "api-publication")},
        **{f"{name}.app": made for name in of_made},
    }
