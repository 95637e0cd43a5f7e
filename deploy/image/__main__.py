"""``python -m deploy.image OUT``: write the console's image as an OCI layout, and push it if a registry is named."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy.image import layout
from deploy.image.build import CONSOLE, build
from deploy.local.plan import PlatformError
from deploy.local.registry import Registry

PASSWORD = "REGISTRY_PASSWORD"


def main() -> int:
    """Build; 0 when done, 1 with a sentence on standard error when not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.image", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder to write; what is in it goes")
    parser.add_argument("--servers", action="store_true", help="also PostgreSQL and Valkey, for a trial")
    parser.add_argument("--push", metavar="HOST:PORT/REPOSITORY:TAG", help="push the console's image there as well")
    parser.add_argument("--user", help=f"who pushes; the password stands in {PASSWORD}")
    parser.add_argument("--ca", type=Path, help="the authority of the registry's certificate (a PEM file)")
    arguments = parser.parse_args()
    try:
        for name, digest in build(arguments.out, servers=arguments.servers).items():
            print(f"{name}: {digest}")
        if arguments.push:
            print(_push(arguments))
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _push(arguments: argparse.Namespace) -> str:
    address, _, path = str(arguments.push).partition("/")
    repository, _, tag = path.rpartition(":")
    if not (repository and tag and ":" in address):
        raise PlatformError("where to push is written HOST:PORT/REPOSITORY:TAG")
    if arguments.ca is None:
        raise PlatformError("a registry is spoken to over TLS: name its authority with --ca")
    registry = Registry(address, arguments.ca.read_text(), arguments.user, os.environ.get(PASSWORD))
    return layout.push(arguments.out, CONSOLE, registry, repository, tag)


if __name__ == "__main__":
    sys.exit(main())
