"""Steps 1 to 4 of the road by REST: clusters, teams, registry, test application.

Each finds what is there and makes what is missing, so that taking them again completes what was left half done.
"""

from __future__ import annotations

from deploy.local import road
from deploy.local.client import Client
from deploy.local.ground import TEST_APP, Ground, Step, draft, until, until_running
from deploy.local.node.commands import INGRESS_CLASS
from deploy.local.people import ADMIN, PEOPLE

MEMBERS = {
    "test-internal": {"lilei": ["developer"], "hanmei": ["tester"]},
    "prod-qingdao": {"zhaomin": ["delivery"]},
    "prod-shanghai": {"zhaomin": ["delivery"]},
}


def connect_clusters(ground: Ground) -> str:
    """Check and add each cluster: the first by address, token and CA, the others by kubeconfig."""
    admin = ground.person(ADMIN)
    there = {cluster["endpoint"] for cluster in admin.listed("/clusters")}
    for number, (slug, cluster) in enumerate(ground.clusters.items()):
        if cluster.endpoint in there:
            continue
        body = {"kubeconfig": cluster.kubeconfig()}
        if number == 0:
            body = {"endpoint": cluster.endpoint, "token": cluster.admin_token, "ca_pem": cluster.ca_pem}
        check = admin.run("/cluster-checks", body)
        admin.ask("POST", "/clusters", {"check": check["id"], "slug": slug, "name": cluster.name}, expect=201)
    _lead_in(ground)
    until(lambda: all(c["health"]["state"] == "online" for c in admin.listed("/clusters")), "all clusters online")
    return ", ".join(f"{c['name']} {c['version']}" for c in admin.listed("/clusters"))


def _lead_in(ground: Ground) -> None:
    """Say of each cluster with an ingress controller that it takes HTTP routes, and below which domain."""
    admin = ground.person(ADMIN)
    domains = {cluster.endpoint: cluster.ingress_domain for cluster in ground.clusters.values()}
    for row in admin.listed("/clusters"):
        domain = domains.get(row["endpoint"])
        if domain and not row["ingress_class"]:
            body = {"ingress_class": INGRESS_CLASS, "ingress_domain": domain}
            admin.ask("PATCH", f"/clusters/{row['slug']}", body, expect=200)


def create_teams(ground: Ground) -> str:
    """Make the people and the three teams, each with its environment."""
    admin = ground.person(ADMIN)
    logins = {user["login"] for user in admin.listed("/users")}
    for person in PEOPLE:
        if person.login not in logins:
            named = {"login": person.login, "name": person.name, "email": None}
            admin.ask("POST", "/users", {**named, "enterprise_roles": []}, expect=201)
    teams = {team["slug"] for team in admin.listed("/teams")}
    slugs = {cluster["endpoint"]: cluster["slug"] for cluster in admin.listed("/clusters")}
    for slug, name, cluster, stage in (road.TEST, *road.PRODUCTION):
        if slug not in teams:
            place = {"cluster": slugs[ground.clusters[cluster].endpoint], "stage": stage}
            members = [{"login": login, "roles": roles} for login, roles in MEMBERS[slug].items()]
            team = {"slug": slug, "name": name, "environment": place, "members": members}
            admin.ask("POST", "/teams", team, expect=201)
        _await_environment(admin, slug)
    ready = [e["name"] for e in admin.listed("/environments") if e["state"] == "ready"]
    assert len(ready) >= len(MEMBERS), ready
    return ", ".join(ready)


def _await_environment(admin: Client, slug: str) -> None:
    """Wait until it is ready; one whose preparation failed before is prepared once more."""
    found = admin.get(f"/environments/{slug}")
    if found["state"] == "failed":
        admin.run(f"/operations/{found['operation']}/retries", {})
    elif found["state"] == "preparing":
        admin.wait(found["operation"])


def set_registry(ground: Ground) -> str:
    """Test the registry (log-in, push, a pull on each cluster), then save it."""
    admin = ground.person(ADMIN)
    if admin.ask("GET", "/settings/registry", expect=(200, 404)).status != 200:
        test = admin.run("/settings/registry/tests", ground.registry)
        saved = admin.ask("PUT", "/settings/registry", {"test": test["id"]}, expect=200).body
        if saved.get("operation"):
            admin.wait(saved["operation"])
    shown = admin.get("/settings/registry")
    assert shown["password_set"] is True
    assert ground.registry["password"] not in str(shown)
    return f"{shown['address']}/{shown['prefix']}, pull {shown['tested'] and shown['tested']['pull']}"


def deploy_test_application(ground: Ground) -> str:
    """Build the test application from images and deploy it; one that was deployed before stays as it is."""
    developer = ground.person("lilei")
    found = developer.ask("GET", TEST_APP, expect=(200, 404))
    if found.status != 200:
        developer.ask("POST", TEST_APP.rpartition("/")[0], road.APP, expect=201)
    elif found.body["running_operation"]:
        developer.wait(found.body["running_operation"])
    if developer.get(TEST_APP)["revision"] is None:
        draft(ground, "1.0")
        developer.run(f"{TEST_APP}/deployments", {"consents": []})
    return until_running(developer, TEST_APP)


STEPS: tuple[Step, ...] = (
    ("Clusters connected", connect_clusters),
    ("Teams and their environments", create_teams),
    ("Image registry", set_registry),
    ("Test application", deploy_test_application),
)
