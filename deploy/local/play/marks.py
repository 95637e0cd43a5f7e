"""Which mark a pod carries, and the conditions under which a scene is due."""

from __future__ import annotations

from typing import Any

MARKS = (
    "image_pull_failed",
    "image_pull_denied",
    "crash_loop",
    "out_of_memory",
    "config_error",
    "probe_failing",
    "stuck_terminating",
    "node_lost",
    "slow",
    "flaps",
    "other_image",
)
"""Every mark a pod may carry."""

CRASHES = ("crash_loop", "out_of_memory", "flaps")
STARTS = ("run", "probe_failing", "stuck_terminating", "node_lost", *CRASHES)
"""The plays in which the container starts as asked, at once."""
BECOMES_READY = ("run", "stuck_terminating", "node_lost", "other_image", "slow", "flaps")
"""The plays in which a readiness probe succeeds."""

Expression = dict[str, Any]


def _variable(name: str) -> str:
    return f'.spec.containers[] | .env[]? | select(.name == "{name}") | .value'


PLAY = (
    f"(.metadata.annotations.play // ([({_variable('PLAY')}), (.spec.containers[] | .args[]?"
    ' | select(startswith("play=")) | ltrimstr("play="))] | map(select(. != null)) | first) // "run")'
)
"""The mark of a pod; ``run`` when it carries none (an expression of jq, as all below)."""
PLAY_DELAY = f"([{_variable('PLAY_DELAY')}] | map(select(. != null)) | first)"

FIRST = ".status.containerStatuses[0]"
WAITING = f"{FIRST}.state.waiting.reason"
OWNER = '[.metadata.ownerReferences[]? | .kind] | first // "none"'
NODE_READY = '[.status.conditions[]? | select(.type == "Ready") | .status] | first // "none"'


def is_one(key: str, *values: str) -> Expression:
    """The expression gives one of these values."""
    return {"jq": {"key": key, "operator": "In", "values": list(values)}}


def is_none(key: str, *values: str) -> Expression:
    """The expression gives none of these values."""
    return {"jq": {"key": key, "operator": "NotIn", "values": list(values)}}


def there(key: str) -> Expression:
    """The expression gives anything."""
    return {"jq": {"key": key, "operator": "Exists"}}


def absent(key: str) -> Expression:
    """The expression gives nothing."""
    return {"jq": {"key": key, "operator": "DoesNotExist"}}


def plays(*marks: str) -> Expression:
    """The pod carries one of these marks."""
    return is_one(PLAY, *marks)


ALIVE = absent(".metadata.deletionTimestamp")
GOING = there(".metadata.deletionTimestamp")
CREATING = is_one(WAITING, "ContainerCreating")
RUNNING = there(f"{FIRST}.state.running.startedAt")
ENDED = there(f"{FIRST}.state.terminated.reason")
READY = is_one(f"{FIRST}.ready | tostring", "true")
UNREADY = is_one(f"{FIRST}.ready | tostring", "false")
RESTARTED = is_none(f"{FIRST}.restartCount | tostring", "0")
NEVER_RESTARTED = is_one(f"{FIRST}.restartCount | tostring", "0")
STAYS = is_none(".spec.restartPolicy", "Never")
OF_A_JOB = is_one(OWNER, "Job")
OF_NO_JOB = is_none(OWNER, "Job")
UNFINISHED = is_none(".status.phase", "Succeeded", "Failed")
FINISHED = is_one(".status.phase", "Succeeded", "Failed")
