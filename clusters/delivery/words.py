"""Words for people about deliveries: kinds, steps, and what a step or a line of the log says while one runs."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from console.kit import messages
from operations import words
from operations.words import KindWords

KINDS = {
    "plan": KindWords(
        pgettext_lazy("operation", "Plan"),
        pgettext_lazy("operation", "Planning"),
        pgettext_lazy("operation", "Planned"),
        pgettext_lazy("operation", "Partly planned"),
        pgettext_lazy("operation", "Not planned"),
    ),
    "deploy": KindWords(
        pgettext_lazy("operation", "Deployment"),
        pgettext_lazy("operation", "Deploying"),
        pgettext_lazy("operation", "Deployed"),
        pgettext_lazy("operation", "Partly deployed"),
        pgettext_lazy("operation", "Not deployed"),
    ),
    "start": KindWords(
        pgettext_lazy("operation", "Start"),
        pgettext_lazy("operation", "Starting"),
        pgettext_lazy("operation", "Started"),
        pgettext_lazy("operation", "Partly started"),
        pgettext_lazy("operation", "Not started"),
    ),
    "stop": KindWords(
        pgettext_lazy("operation", "Stop"),
        pgettext_lazy("operation", "Stopping"),
        pgettext_lazy("operation", "Stopped"),
        pgettext_lazy("operation", "Partly stopped"),
        pgettext_lazy("operation", "Not stopped"),
    ),
    "uninstall": KindWords(
        pgettext_lazy("operation", "Uninstallation"),
        pgettext_lazy("operation", "Uninstalling"),
        pgettext_lazy("operation", "Uninstalled"),
        pgettext_lazy("operation", "Partly uninstalled"),
        pgettext_lazy("operation", "Not uninstalled"),
    ),
}

STEPS = {
    "take_over": pgettext_lazy("step", "Take the application over"),
    "render": pgettext_lazy("step", "Prepare the manifests"),
    "dry_run": pgettext_lazy("step", "Ask the cluster"),
    "compare": pgettext_lazy("step", "Compare"),
    "base": pgettext_lazy("step", "Configuration, volumes, services"),
    "component:": pgettext_lazy("step", "Component %(name)s"),
    "prune": pgettext_lazy("step", "Remove what is no longer there"),
    "verify": pgettext_lazy("step", "Verify"),
    "finish": pgettext_lazy("step", "Write the record"),
    "remove:": pgettext_lazy("step", "Remove %(name)s"),
    "volumes": pgettext_lazy("step", "Volumes"),
}

MESSAGES = {
    "image_taking": _("Taking the image %(image)s from the Docker engine."),
    "image_taken": _("%(image)s of the Docker engine is in the registry as %(digest)s."),
    "pulling_image": _("%(node)s is pulling the image."),
    "pods_starting": _("%(ready)s of %(desired)s pods are ready."),
    "pods_steady": _("%(ready)s of %(desired)s pods are ready; watching whether they stay up."),
    "component_waits": _("%(component)s is not ready yet: %(cause)s. %(words)s"),
    "cluster_warned": _("The cluster warns about %(object)s: %(words)s"),
    "ingress_class_unknown": _(
        "%(cluster)s has no ingress class %(ingress_class)s: nothing answers at HTTP routes of this class there."
    ),
    "broken_pod_removed": _(
        "The broken pod %(pod)s of the former revision was removed, so that its successor can start."
    ),
    "fenced": _("The former worker's access was taken away before anything else was done (key %(generation)s)."),
    "still_removing": _("The cluster is still removing: %(objects)s."),
    "digest_unknown": _("The cluster did not tell the digest of the image that %(component)s runs."),
}


def register_words() -> None:
    """Make them known."""
    for kind, own in KINDS.items():
        words.register_kind(kind, own)
    words.register_steps(STEPS)
    messages.register_messages(MESSAGES)
