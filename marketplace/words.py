"""Words for people about the market's operations: kinds, steps, messages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from console.kit import messages
from marketplace.models import Publication
from operations import words
from operations.words import KindWords

KINDS = {
    "registry_test": KindWords(
        pgettext_lazy("operation", "Registry test"),
        pgettext_lazy("operation", "Testing the registry"),
        pgettext_lazy("operation", "Registry tested"),
        pgettext_lazy("operation", "Registry partly tested"),
        pgettext_lazy("operation", "Registry test failed"),
    ),
    "publish": KindWords(
        pgettext_lazy("operation", "Publication"),
        pgettext_lazy("operation", "Publishing"),
        pgettext_lazy("operation", "Copied for publishing"),
        pgettext_lazy("operation", "Partly copied"),
        pgettext_lazy("operation", "Not published"),
    ),
    "install": KindWords(
        pgettext_lazy("operation", "Installation"),
        pgettext_lazy("operation", "Installing"),
        pgettext_lazy("operation", "Installed"),
        pgettext_lazy("operation", "Partly installed"),
        pgettext_lazy("operation", "Not installed"),
    ),
    "upgrade": KindWords(
        pgettext_lazy("operation", "Upgrade"),
        pgettext_lazy("operation", "Upgrading"),
        pgettext_lazy("operation", "Upgraded"),
        pgettext_lazy("operation", "Partly upgraded"),
        pgettext_lazy("operation", "Not upgraded"),
    ),
    "rollback": KindWords(
        pgettext_lazy("operation", "Rollback"),
        pgettext_lazy("operation", "Rolling back"),
        pgettext_lazy("operation", "Rolled back"),
        pgettext_lazy("operation", "Partly rolled back"),
        pgettext_lazy("operation", "Not rolled back"),
    ),
}

STEPS = {
    "login": pgettext_lazy("step", "Sign in"),
    "push": pgettext_lazy("step", "Push a probe"),
    "pull:": pgettext_lazy("step", "Pull from %(name)s"),
    "clean": pgettext_lazy("step", "Clean up"),
    "resolve": pgettext_lazy("step", "Find the images"),
    "measure": pgettext_lazy("step", "Measure"),
    "copy:": pgettext_lazy("step", "Copy %(name)s"),
    "manifests": pgettext_lazy("step", "Write the manifests"),
    "tags": pgettext_lazy("step", "Write the tags"),
    "verify": pgettext_lazy("step", "Verify"),
    "confirm": pgettext_lazy("step", "Publish the version"),
}

MESSAGES = {
    "older_version": _("This version is older than the one that runs here."),
    "rolled_back_before": _("%(number)s was rolled back from here by %(by)s (%(since)s)."),
    "mark_taken_back": _(
        "The Release mark was taken back since; going back to what ran here once is allowed all the same."
    ),
    "pull_played": _("The nodes of %(cluster)s are simulated: the pull was accepted, but no image was transferred."),
    "tag_moved": _(
        "The tag of %(image)s names another image by now; the image that was deployed is the one published."
    ),
    "image_copied": _("%(image)s is in the registry (%(bytes)s bytes)."),
    "namespace_left_behind": _("The namespace of the test could not be removed from %(cluster)s."),
    "probe_left_behind": _("The probe image could not be removed from the registry."),
}

REASONS = {"not_a_registry": pgettext_lazy("reason", "what answers is not a registry")}
NEXT = {"give_up": pgettext_lazy("next step", "Give up")}


def register_words() -> None:
    """Make them known."""
    for kind, own in KINDS.items():
        words.register_kind(kind, own)
    words.register_steps(STEPS)
    messages.register_messages(MESSAGES)
    messages.register_labels("next", NEXT)
    messages.register_labels("publication_state", dict(Publication.State.choices))
    messages.register_labels("reason", REASONS)
    messages.register_labels("checks", {key: STEPS[key] for key in ("login", "push")})
