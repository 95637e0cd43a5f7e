"""What somebody else is still bringing: the demo's console answers long before its clusters are there.

Who starts a development console for more than itself says in `coming.json` of its folder what it is doing, keeps
the file locked meanwhile, and takes it away when it is done. A console of a deployment looks for nothing.
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

FILE = "coming.json"
WORDS: dict[str, _StrPromise] = {
    "clusters": _(
        "The demo is building and starting its registry and clusters. The first time this takes some minutes; how far "
        "it is stands in its terminal."
    ),
    "road": _(
        "The demo is setting up clusters, teams, the registry and a test application over the REST API. What it "
        "starts stands under Operations."
    ),
}


@dataclass(frozen=True)
class Coming:
    """What is under way outside this console, and since when."""

    text: str
    since: datetime | None


def coming() -> Coming | None:
    """Give what was said to be still coming; None for nothing, and always in a deployment."""
    if not settings.WAYBILL_DEV:
        return None
    try:
        file = (settings.WAYBILL_DATA_DIR / FILE).open(encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        if not _held(file):
            return None
        said = json.load(file)
    words = WORDS.get(said["what"])
    return None if words is None else Coming(str(words), parse_datetime(said["since"]))


def _held(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
