"""``python -m deploy.kubernetes IMAGES``: three clusters with real nodes, Waybill on the first, the road walked there.

IMAGES is the folder that ``python -m deploy.image IMAGES --servers`` wrote. Everything else is made for the occasion
and gone afterwards; ``--keep`` waits for Ctrl-C before.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from deploy.kubernetes.rollover import roll_over
from deploy.kubernetes.trial import Hosted
from deploy.local.ground import Ground, registry_body
from deploy.local.ground import walk as take
from deploy.local.images import push_sample
from deploy.local.nodes import choose
from deploy.local.people import ADMIN, PEOPLE
from deploy.local.plan import REAL, PlatformError
from deploy.local.platform import Platform
from deploy.local.toolchain import BuildError
from deploy.local.walk import walk

VERSIONS = ("1.0", "2.0")


def main() -> int:
    """Do it all; 0 when every step of the road succeeded."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kubernetes", description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    parser.add_argument("--copies", type=int, default=2, help="pods of each of web, streams and worker (2)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    data = Path(tempfile.mkdtemp(prefix="waybill-hosted-"))
    data.chmod(0o711)
    platform = Platform(data / "platform", choose(data / "platform", REAL, say=_say))
    try:
        platform.start(while_pid=os.getpid(), say=_say)
        done = _walk(platform, arguments.images, arguments.copies)
        if arguments.keep:
            _say("Ctrl-C ends it.")
            signal.pause()
    except KeyboardInterrupt:
        done = True
    except (PlatformError, BuildError) as error:
        print(error, file=sys.stderr)
        done = False
    finally:
        platform.stop()
        shutil.rmtree(data, ignore_errors=True)
    return 0 if done else 1


def _walk(platform: Platform, images: Path, copies: int) -> bool:
    """Install the console on the first cluster and walk the road there, on all of them."""
    registry = platform.registry
    hosted = Hosted(next(iter(platform.clusters.values())), registry, copies=copies, say=_say)
    hosted.install(hosted.push(images))
    hosted.first_admin(ADMIN, PEOPLE[0].name)
    samples = {version: push_sample(registry, version) for version in VERSIONS}
    ground = Ground(hosted.url, dict(platform.clusters), registry_body(registry), samples, hosted.token, _say)
    return walk(ground) and take(ground, (("The console changed meanwhile", partial(roll_over, hosted)),))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
