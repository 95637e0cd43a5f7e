"""The sentences of what a delivery says while it runs: of steps, and of the operation's log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

MESSAGES = {
    "pulling_image": _("%(node)s is pulling the image."),
    "pods_starting": _("%(ready)s of %(desired)s pods are ready."),
    "pods_steady": _("%(ready)s of %(desired)s pods are ready; watching whether they stay up."),
    "component_waits": _("%(component)s is not ready yet: %(cause)s. %(words)s"),
    "cluster_warned": _("The cluster warns about %(object)s: %(words)s"),
    "broken_pod_removed": _(
        "The broken pod %(pod)s of the former revision was removed, so that its successor can start."
    ),
    "fenced": _("A former worker's access was taken away before anything else was done (key %(generation)s)."),
    "still_removing": _("The cluster is still removing: %(objects)s."),
    "digest_unknown": _("What %(component)s runs could not be told apart by digest."),
}
