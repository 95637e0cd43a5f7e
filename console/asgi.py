"""The console as an ASGI application: the event streams, and everything at once in development."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

# Settings are read by the first, and the bounds are made of them.
_application = get_asgi_application()

from console.bounds import Bounded  # noqa: E402

application = Bounded(_application)
