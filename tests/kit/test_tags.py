"""What templates write people and things with."""

from __future__ import annotations

import pytest

from console.templatetags.kit import initial


@pytest.mark.parametrize(("name", "letter"), [("王芳", "芳"), ("Han Mei", "H"), ("ada", "A"), ("", "")])
def test_a_person_is_drawn_by_one_letter(name: str, letter: str) -> None:
    assert initial(name) == letter
