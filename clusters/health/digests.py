"""Whether what runs is what was delivered, by digest.

A runtime reports an image by its index digest, its platform manifest's, or its config's, and perhaps under another
repository's name: so what follows the last `@` counts, and any digest of the image is the same image.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from clusters.health.look import Object, containers


def digest_of(image_id: str) -> str:
    """Give the digest in an `imageID`: what follows the last `@`, or the whole without `docker://` and the like."""
    return image_id.rpartition("@")[2].rpartition("//")[2]


def running_digests(pods: Iterable[Object]) -> list[str]:
    """Give the digests that the containers of these pods report, sorted; one that reports none yet gives nothing.

    Pods on their way out do not count.
    """
    found = {
        digest_of(status["imageID"])
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        for status in containers(pod)
        if status.get("imageID")
    }
    return sorted(found)


def digests_match(pods: Iterable[Object], accepted: Collection[str]) -> bool | None:
    """Tell whether all containers run one of the accepted digests; None while one has not said, or nothing runs.

    Another digest is a mismatch only until its manifest was fetched and its config compared: that is for the caller.
    """
    living = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    told = [status.get("imageID") for pod in living for status in containers(pod)]
    if any(image_id and digest_of(image_id) not in accepted for image_id in told):
        return False
    return True if told and all(told) else None
