"""The console's web application for the proofs: as it is, or without the guard that the environment names."""

from __future__ import annotations

import os

from console.wsgi import application

if "idempotency" in os.environ.get("TESTS_WITHOUT", "").split(","):
    from operations import idempotency

    idempotency._INSERT = idempotency._INSERT.replace("ON CONFLICT (user_id, key) DO NOTHING", "")

__all__ = ["application"]
