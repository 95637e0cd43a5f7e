"""What was applied and does not run as wanted, and why a component is not ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from console.kit.messages.sentences import Sentence

SENTENCES = {
    "not_ready": Sentence(
        _("“%(component)s” did not become ready: %(cause)s. %(words)s"),
        _("See its log, fix the cause and retry, or roll all back. Components that are ready keep running."),
    ),
    "running_digest_differs": Sentence(
        _("“%(component)s” runs %(running)s, and %(expected)s was meant. It was left running."),
        _("Look for something on the cluster that replaces images, then retry."),
    ),
    "differs_after_rollback": Sentence(
        _("The rollback ran, but the cluster differs from the earlier revision in: %(fields)s."),
        _("Look at the differences. Retry, or take them into the settings by an upgrade."),
    ),
    "deadline_passed": Sentence(
        _("This was not done within %(seconds)s seconds, so it was stopped. What was done until then stays."),
        _("Look at the last step to see what it waited for, fix that, then retry."),
    ),
    "children_failed": Sentence(
        _("It did not succeed in %(n)s of the environments. The others are done."),
        _("Open each failed one to see why, then retry it."),
    ),
}

CAUSES = {
    "image_pull_failed": pgettext_lazy("cause", "its image could not be pulled"),
    "image_pull_denied": pgettext_lazy("cause", "it may not pull its image"),
    "crash_loop": pgettext_lazy("cause", "it keeps crashing"),
    "out_of_memory": pgettext_lazy("cause", "it ran out of memory"),
    "config_error": pgettext_lazy("cause", "its configuration is wrong"),
    "unschedulable": pgettext_lazy("cause", "no node can take it"),
    "volume_unbound": pgettext_lazy("cause", "its volume is not bound"),
    "probe_failing": pgettext_lazy("cause", "its health check fails"),
    "quota": pgettext_lazy("cause", "the quota is used up"),
    "pod_refused": pgettext_lazy("cause", "the cluster refused its pods"),
    "stuck_terminating": pgettext_lazy("cause", "an old pod does not end"),
    "node_lost": pgettext_lazy("cause", "its node is lost"),
    "no_pods": pgettext_lazy("cause", "it has no pods"),
    "slow": pgettext_lazy("cause", "it takes longer than its start time allows"),
}
"""Cause → the words that stand for it inside a sentence."""

CAUSE_SENTENCES = {
    "image_pull_failed": _("%(component)s cannot pull its image: %(words)s"),
    "image_pull_denied": _("%(component)s may not pull its image: %(words)s"),
    "crash_loop": _("%(component)s starts and crashes again and again: %(words)s"),
    "out_of_memory": _("%(component)s used more memory than its limit allows and was killed. %(words)s"),
    "config_error": _("%(component)s cannot start with its configuration: %(words)s"),
    "unschedulable": _("No node can take %(component)s: %(words)s"),
    "volume_unbound": _("%(component)s waits for its volume: %(words)s"),
    "probe_failing": _("%(component)s runs, but its health check fails: %(words)s"),
    "quota": _("The quota leaves no room for %(component)s: %(words)s"),
    "pod_refused": _("The cluster refused the pods of %(component)s: %(words)s"),
    "stuck_terminating": _("An old pod of %(component)s does not end: %(words)s"),
    "node_lost": _("The node of %(component)s does not answer: %(words)s"),
    "no_pods": _("%(component)s has no pods yet. %(words)s"),
    "slow": _("%(component)s takes longer to start than its start time allows. %(words)s"),
}

VARIANTS: dict[str, Callable[[Mapping[str, Any]], str]] = {}
