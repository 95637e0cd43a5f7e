"""The command line of the console.

`manage.py dev` runs the whole console on one machine with nothing installed beside it; `manage.py dev run COMMAND`
runs one management command in that same environment. Every other command is Django's and needs the environment set.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Hand the arguments to the development supervisor or to Django."""
    if sys.argv[1:2] == ["dev"]:
        # Before Django: the supervisor makes the very environment that the settings read.
        from console.dev.main import main as dev

        sys.exit(dev(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
