"""What was understood and allowed in general, but does not fit the present state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from console.kit.messages.sentences import Sentence

SENTENCES = {
    "operation_in_progress": Sentence(
        _(
            "%(by)s started %(operation)s (%(kind)s, %(percent)s %%) on this and it is still running. Nothing "
            "new was started."
        ),
        _("Wait until it has ended, or open it to see how far it is. What you entered is kept."),
    ),
    "slug_taken": Sentence(
        _("The short name “%(slug)s” is taken. Nothing was saved."),
        _("Choose another short name. It cannot be changed later."),
    ),
    "name_taken": Sentence(
        _("The name “%(name)s” is taken. Nothing was saved."),
        _("Choose another name."),
    ),
    "number_taken": Sentence(
        _("Version %(number)s already exists and cannot be overwritten. Nothing was published."),
        _("The next free number is %(next)s."),
    ),
    "object_name_taken": Sentence(
        _("%(object)s already exists on the cluster and belongs to %(owner)s. It was not touched."),
        _("Rename the application or component, or remove that object if nobody needs it."),
    ),
    "volume_left_behind": Sentence(
        _(
            "The volume %(claim)s has been there since %(since)s, from an application of the same name. It was "
            "not touched."
        ),
        _("Choose another name for the application, or remove the volume if its data is not needed."),
    ),
    "in_use": Sentence(
        _("This is still used by %(blockers)s, so it was not removed."),
        _("Remove or move these first, then try again."),
    ),
    "last_admin": Sentence(
        _("This would leave nobody who can manage members here. Nothing was changed."),
        _("Give someone else the admin role first."),
    ),
    "version_not_accepted": Sentence(
        _("%(number)s is still Test, and %(environment)s accepts Release versions only. Nothing was changed there."),
        _("Ask a tester to mark it, or install %(newest_release)s."),
    ),
    "version_not_accepted.none": Sentence(
        _("%(number)s is still Test, and %(environment)s accepts Release versions only. Nothing was changed there."),
        _("Ask a tester to mark a version. No version of this template is a Release yet."),
    ),
    "version_not_published": Sentence(
        _("Version %(number)s is not published yet, so it cannot be used."),
        _("Wait until its images are copied and the publication is confirmed."),
    ),
    "made_not_accepted": Sentence(
        _("%(environment)s accepts Release versions only, so no application can be made by hand there."),
        _("Make it in an environment that accepts any version, publish it, and install it here."),
    ),
    "market_application": Sentence(
        _(
            "The components of this application come from its version, so they are not edited here. Nothing was "
            "changed."
        ),
        _("Change its settings through an upgrade, or publish a new version."),
    ),
    "environment_not_ready": Sentence(
        _("%(environment)s is not ready (%(state)s), so nothing can run there yet."),
        _("Open the environment to see what it waits for, and retry its preparation if it failed."),
    ),
    "application_stopped": Sentence(
        _("%(application)s is stopped. It was left as it is."),
        _("Start it first, then try again."),
    ),
    "ingress_class_missing": Sentence(
        _("%(cluster)s has no ingress class, so no HTTP route leads into it. Nothing was started."),
        _(
            "Ask an enterprise admin to enter the ingress class on the cluster's page, or choose a port of the nodes "
            "instead."
        ),
    ),
    "route_host_missing": Sentence(
        _(
            "The HTTP route to %(port)s of %(component)s has no host, and %(cluster)s has no ingress domain to make "
            "one from. Nothing was started."
        ),
        _("Give it a host, or ask an enterprise admin to enter the ingress domain on the cluster's page."),
    ),
    "route_taken": Sentence(
        _("On %(cluster)s another application answers at %(host)s%(path)s already. Nothing was started."),
        _("Choose another host or path."),
    ),
    "registry_not_set": Sentence(
        _("No image registry is set, so there is nowhere to keep images."),
        _("Ask an enterprise admin to set it under Platform management, then try again."),
    ),
    "check_failed": Sentence(
        _("These checks have not succeeded: %(checks)s. Nothing was saved."),
        _("Fix what each of them names and check again, then go on with the new check."),
    ),
    "check_expired": Sentence(
        _("This check is too old, and what was entered for it is no longer kept. Nothing was saved."),
        _("Run the check again, then go on within an hour."),
    ),
    "cluster_connected_already": Sentence(
        _("This is the same cluster as %(cluster)s, which is connected already. Nothing was saved."),
        _("Use the one that is there, or remove it first."),
    ),
    "another_cluster": Sentence(
        _("The check reached another cluster than %(cluster)s. Nothing was saved; the old credentials are in use."),
        _("Check an address and credentials of %(cluster)s; another cluster is added as one of its own."),
    ),
    "settings_untested": Sentence(
        _(
            "These settings were not tested, or were changed since the test. Nothing was saved; the old ones are "
            "in use."
        ),
        _("Test them and save with that test, or say explicitly that they are to be saved untested."),
    ),
    "confirmation_required": Sentence(
        _("This needs your agreement to: %(consents)s. Nothing was changed."),
        _("Look at what each of them concerns, then send it again with your agreement."),
    ),
    "nothing_changed": Sentence(
        _("Nothing differs from what is deployed, so nothing was started."),
        _("Change something first."),
    ),
    "nothing_deployed": Sentence(
        _("Nothing of this application has been deployed yet, so nothing was started."),
        _("Deploy it first."),
    ),
    "publication_not_ready": Sentence(
        _("This publication is in state “%(state)s”, so this cannot be done with it now. Nothing was changed."),
        _("Open the publication to see how far it is."),
    ),
    "not_cancellable": Sentence(
        _("It is too late to cancel (%(kind)s): it goes on to its end."),
        _("Wait until it has ended, then decide."),
    ),
    "not_retryable": Sentence(
        _("This cannot be retried (%(kind)s): it did not fail, or what it was about has moved on."),
        _("See how things stand now, then start a new one if it is still needed."),
    ),
    "cluster_unreachable": Sentence(
        _(
            "%(cluster)s has not answered since %(since)s. What is shown is from then, and apps there may still "
            "be running."
        ),
        _("You can act again once it answers. Work that is under way waits and goes on by itself."),
    ),
    "plan_stale": Sentence(
        _("Something changed since you saw the plan: %(changes)s. Nothing ran."),
        _("Look at the new plan and confirm it."),
    ),
    "etag_mismatch": Sentence(
        _("Someone changed this since you read it. Your change was not saved."),
        _("Read it again, look at what changed, and make your change on top of it."),
    ),
}

VARIANTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "version_not_accepted": lambda params: "" if params.get("newest_release") else "none",
}
