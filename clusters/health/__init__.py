"""Health: what a look at a component says, whether it counts as ready, and what an application is. Pure.

- `look.Look`: one look at one component: workload, pods, replica sets and events as the cluster's JSON.
- `component.component_health(look, ...) -> ComponentHealth`: state, ready/desired, restarts, cause with words, digests.
- `causes.findings(look, ...)`: every cause seen, `final` where it cannot mend itself.
- `ready.judge(look, steady, ...) -> Verdict`: `ready`, `waiting` or `failed`; keep `Verdict.steady` for the next call.
- `application.application_state(...)`: the state of the whole, from its components.
- `digests.digests_match(...)`: whether what runs is what was delivered; None while nobody can tell.

Times are Unix seconds throughout (`times.seconds` reads the cluster's).
"""

from __future__ import annotations

from clusters.health.application import ApplicationHealth, application_state
from clusters.health.causes import Finding, findings
from clusters.health.component import ComponentHealth, component_health
from clusters.health.digests import digests_match, running_digests
from clusters.health.look import Look
from clusters.health.ready import Steady, Verdict, judge
from clusters.health.times import seconds

__all__ = [
    "ApplicationHealth",
    "ComponentHealth",
    "Finding",
    "Look",
    "Steady",
    "Verdict",
    "application_state",
    "component_health",
    "digests_match",
    "findings",
    "judge",
    "running_digests",
    "seconds",
]
