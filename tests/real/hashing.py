"""Passwords of test people: hashed by the console's own algorithm at its least cost.

At the cost that keeps a stolen table safe, hashing is a sixth of a second of processor for each person who signs in.
Processes of the console that tests start hash at that cost, and take what was hashed here.
"""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Cheap(Argon2PasswordHasher):
    """Argon2, once over one mebibyte."""

    time_cost = 1
    memory_cost = 1024
    parallelism = 1
