"""The two small languages of texts: `${NAME}` in files, and what must be escaped in a variable's value."""

from __future__ import annotations

import re
from collections.abc import Callable

_PLACE = re.compile(r"\$\$\{|\$\{([^}]*)\}")


def names_in(content: str) -> list[str]:
    """Give the names that `${NAME}` refers to in a file, each once, in order; `$${` is a literal `${`."""
    return list(dict.fromkeys(match[1] for match in _PLACE.finditer(content) if match[1] is not None))


def fill(content: str, value_of: Callable[[str], str]) -> str:
    """Replace every `${NAME}` by its value and every `$${` by `${`. Values are put in as they are, never read again."""
    return _PLACE.sub(lambda match: "${" if match[1] is None else value_of(match[1]), content)


def escape_value(value: str) -> str:
    """Escape a variable's value so that Kubernetes expands nothing in it: `$(` becomes `$$(`."""
    return value.replace("$(", "$$(")
