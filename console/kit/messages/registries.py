"""What a registry said no to, or how an image could not be used."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from console.kit.messages.sentences import Sentence

SENTENCES = {
    "registry_unreachable": Sentence(
        _("The registry %(registry)s does not answer (%(reason)s). What was copied stays, and nothing was published."),
        _("Check that it runs and that the network to it is open. Work that waits for it goes on by itself."),
    ),
    "registry_refused_login": Sentence(
        _("The registry %(registry)s refused user “%(user)s”. Nothing was saved; settings in use before stay in use."),
        _("Check the name and password, then test again."),
    ),
    "registry_refused_push": Sentence(
        _("The registry %(registry)s does not let this account write to %(repository)s. Nothing was published."),
        _("Give the account the right to push there, or use another prefix."),
    ),
    "registry_full": Sentence(
        _("The registry %(registry)s is out of space. Images copied so far stay, and nothing was published."),
        _("Free space there, then retry: only what is missing is copied."),
    ),
    "registry_failed": Sentence(
        _("The registry %(registry)s answered with status %(status)s. Nothing was published."),
        _("Look at the registry's own log, then retry: only what is missing is copied."),
    ),
    "image_not_found": Sentence(
        _("There is no image %(image)s. What ran before still runs."),
        _("Check its name and tag, and that it was pushed."),
    ),
    "image_denied": Sentence(
        _("The image %(image)s may not be read with the credentials given. What ran before still runs."),
        _("Give the component credentials that may pull it."),
    ),
    "image_unsupported": Sentence(
        _("The image %(image)s is of a kind that cannot be copied (%(media_type)s). What ran before still runs."),
        _("Push it again with a current tool, in the OCI or Docker schema 2 format."),
    ),
    "platform_missing": Sentence(
        _("The image %(image)s is made for %(has)s, and the cluster's nodes need %(needs)s. Nothing was changed."),
        _("Build the image for that platform too, and push it again."),
    ),
    "digest_mismatch": Sentence(
        _("What arrived for %(image)s is not what its digest names, so it was not used."),
        _("Try again. If it happens again, the registry or a proxy before it alters content: tell whoever runs it."),
    ),
    "docker_not_set": Sentence(
        _("This console has no Docker engine to take images from. Nothing was changed."),
        _(
            "Push the image to a registry and name it there, or ask whoever runs the console to set "
            "WAYBILL_DOCKER_HOST."
        ),
    ),
    "docker_unreachable": Sentence(
        _("The Docker engine %(docker)s does not answer (%(reason)s). What ran before still runs."),
        _("Check that it runs and that the worker may reach it. Work that waits for it goes on by itself."),
    ),
    "docker_failed": Sentence(
        _("The Docker engine %(docker)s refused: %(words)s. What ran before still runs."),
        _("Look at the engine's own log, then retry."),
    ),
    "docker_image_missing": Sentence(
        _("The Docker engine has no image %(image)s. What ran before still runs."),
        _("Build it or load it there, or check its name and tag; then retry."),
    ),
    "docker_image_refused": Sentence(
        _(
            "What the Docker engine gave for %(image)s is not a whole image, so it was not used. "
            "What ran before still runs."
        ),
        _("Build it or load it there once more, then retry."),
    ),
    "docker_image_too_large": Sentence(
        _("The image %(image)s has more than the %(limit)s bytes that may be taken from the Docker engine."),
        _("Make it smaller, push it to a registry, or ask whoever runs the console to raise WAYBILL_DOCKER_LIMIT."),
    ),
    "docker_no_room": Sentence(
        _("The worker has no room on its disk to take the image %(image)s. What ran before still runs."),
        _("Free space in the worker's folder for temporary files, then retry."),
    ),
    "image_changed": Sentence(
        _("The tag of %(image)s names another image now than when this was deployed. Nothing was published."),
        _("Deploy and test the application again, then publish it."),
    ),
    "pull_failed": Sentence(
        _("%(cluster)s could not pull from the registry: %(words)s. Nothing was saved."),
        _(
            "Open the network from that cluster to the registry, or choose a registry that all clusters reach, "
            "and test again."
        ),
    ),
}
