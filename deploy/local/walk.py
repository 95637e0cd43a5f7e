"""The road by REST alone: ten steps, each with its result and its time.

Nothing here knows the console's inside: it is the client of an engineer who read the API's documentation.
"""

from __future__ import annotations

import time
from typing import Any

from deploy.local import ground as common
from deploy.local import road, setting_up
from deploy.local.ground import TEST_APP, Ground, Step, draft, until_running


def walk(ground: Ground) -> bool:
    """Walk all ten steps and say each with its time; stop at the first that fails. Whether all succeeded."""
    began = time.monotonic()
    if not common.walk(ground, STEPS):
        return False
    ground.say(f"The whole road took {time.monotonic() - began:.1f} s.")
    return True


def publish(ground: Ground) -> str:
    """Publish 1.0 as a new template, confirm it, and see a taken number refused."""
    developer = ground.person("lilei")
    body = _publication("1.0", road.TEMPLATE)
    operation = developer.run(f"{TEST_APP}/publications", body)
    href = operation["result"]["href"]
    copied = developer.get(href)
    assert all(image["state"] == "done" for image in copied["images"]), copied
    version = developer.ask("PUT", f"{href}/confirmation", {}, expect=200).body
    taken = developer.refused(
        "POST",
        f"{TEST_APP}/publications",
        body | {"template": {"slug": "admin-console"}},
        status=409,
        code="number_taken",
    )
    return f"{version['number']} is {version['state']}, {version['bytes']} bytes; again: {taken['detail']}"


def mark_release(ground: Ground) -> str:
    """Install 1.0 in the test environment, see production refuse it, then mark it Release."""
    tester, delivery = ground.person("hanmei"), ground.person("zhaomin")
    tried = {
        "template": "admin-console",
        "version": "1.0",
        "environments": ["prod-qingdao"],
        "app": road.APP,
        "values": {},
    }
    delivery.refused("POST", "/installations", tried, status=409, code="version_not_accepted")
    there = {"template": "admin-console", "version": "1.0", "environments": ["test-internal"], "values": {}}
    tester.run("/installations", there | {"app": {"slug": "admin-console-2", "name": "后台管理系统 2"}})
    mark = {"mark": "release", "reason": "412/412", "verified_on": None}
    version = tester.ask("PUT", "/templates/admin-console/versions/1.0/mark", mark, expect=200).body
    assert version["mark"] == "release" and version["marked"]["verified_on"]["app"] == "admin-console-2", version
    return (
        f"1.0 is {version['mark']}, by {version['marked']['by']}, verified on {version['marked']['verified_on']['app']}"
    )


def install(ground: Ground) -> str:
    """See the plan for production, then install exactly that plan."""
    delivery = ground.person("zhaomin")
    body = {
        "template": "admin-console",
        "environments": ["prod-qingdao"],
        "app": road.APP,
        "values": {"web.variables.LOG_LEVEL": "debug", "web.replicas": 3},
    }
    plan = delivery.run("/installations?dry_run=true", body)
    shown = plan["plan"]
    assert shown["gate"]["allowed"] and not shown["refusals"], shown
    delivery.run("/installations", body | {"plan_id": plan["id"]})
    running = until_running(delivery, "/environments/prod-qingdao/apps/admin-console")
    return f"planned {shown['objects']['create']} objects; {running}"


def install_everywhere(ground: Ground) -> str:
    """Install in several environments by one operation with a child for each."""
    delivery = ground.person("zhaomin")
    environments = ["prod-shanghai", "prod-qingdao"]
    body = {
        "template": "admin-console",
        "environments": environments,
        "app": {"slug": "second", "name": "Second"},
        "values": {},
    }
    batch = delivery.run("/installations", body)
    assert len(batch["children"]) == 2, batch
    for environment in environments:
        until_running(delivery, f"/environments/{environment}/apps/second")
    return f"{batch['id']} with {', '.join(batch['children'])}"


def upgrade(ground: Ground) -> str:
    """Publish and mark 2.0, see old → new, upgrade production, and find its own value kept."""
    developer, tester, delivery = ground.person("lilei"), ground.person("hanmei"), ground.person("zhaomin")
    draft(ground, "2.0")
    developer.run(f"{TEST_APP}/deployments", {"consents": []})
    developer.run(
        f"{TEST_APP}/publications", _publication("2.0", {"slug": "admin-console"}) | {"confirm_by_itself": True}
    )
    tester.run("/environments/test-internal/apps/admin-console-2/upgrades", {"version": "2.0"})
    tester.ask("PUT", "/templates/admin-console/versions/2.0/mark", {"mark": "release"}, expect=200)
    target = "/environments/prod-qingdao/apps/admin-console"
    plan = delivery.run(f"{target}/upgrades?dry_run=true", {"version": "2.0"})
    actions = {component["key"]: component["action"] for component in plan["plan"]["components"]}
    assert actions["cache"] == "add" and actions["worker"] == "remove" and actions["web"] == "change", actions
    delivery.run(f"{target}/upgrades", {"version": "2.0", "plan_id": plan["id"]})
    running = until_running(delivery, target)
    revision = delivery.listed(f"{target}/revisions")[0]
    assert revision["values"]["web.variables.LOG_LEVEL"]["value"] == "debug", revision["values"]
    return f"{actions}; kept LOG_LEVEL = debug; {running}"


def roll_back(ground: Ground) -> str:
    """Roll production back to 1.0 and see that it equals the recorded revision, worker back and cache gone."""
    delivery = ground.person("zhaomin")
    target = "/environments/prod-qingdao/apps/admin-console"
    delivery.run(f"{target}/rollbacks", {"revision": 1})
    running = until_running(delivery, target)
    records = delivery.listed(f"{target}/revisions")
    assert [r["number"] for r in records] == [3, 2, 1] and records[0]["rolls_back_to"] == 1, records
    newest = delivery.get(f"{target}/revisions/3")
    assert newest["equals"]["equal"] is True, newest["equals"]
    keys = {component["key"] for component in delivery.get(target)["components"]}
    assert keys == {"web", "api", "db", "worker"}, keys
    return f"revision 3 equals revision 1, not restored: {newest['not_restored']}; {running}"


def _publication(number: str, template: dict[str, Any]) -> dict[str, Any]:
    return {
        "template": template,
        "number": number,
        "alias": None,
        "notes": f"the sample, {number}",
        "parameters": road.parameters(),
        "confirm_by_itself": False,
    }


STEPS: tuple[Step, ...] = (
    *setting_up.STEPS,
    ("Published", publish),
    ("Marked Release", mark_release),
    ("Installed in production", install),
    ("Installed in several environments", install_everywhere),
    ("Upgraded", upgrade),
    ("Rolled back", roll_back),
)
