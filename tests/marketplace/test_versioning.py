"""Version numbers: order, sameness, what comes next."""

from __future__ import annotations

import random

import pytest

from console.kit.errors import Invalid
from marketplace import versioning
from marketplace.versioning import following, next_free, read


def test_numbers_are_ordered_as_people_mean_them() -> None:
    ordered = [
        "0.9",
        "1.0-alpha.1",
        "1.0-beta.2",
        "1.0-rc.1",
        "1.0-rc.2",
        "1.0-rc.10",
        "1.0",
        "1.0.1",
        "1.2",
        "1.10",
        "2",
    ]
    mixed = ordered[:]
    random.Random(1).shuffle(mixed)
    assert [str(number) for number in sorted(map(read, mixed))] == ordered


@pytest.mark.parametrize("same", [("1", "1.0", "1.0.0"), ("2.1", "2.1.0"), ("1-rc.1", "1.0.0-rc.1")])
def test_missing_places_are_zero(same: tuple[str, ...]) -> None:
    assert len({read(text).sort_key for text in same}) == 1


def test_the_key_sorts_bytewise() -> None:
    assert read("1.0").sort_key == "000001.000000.000000~"
    assert read("1.0-rc.1").sort_key == "000001.000000.000000-rc.0001"
    assert read("1.0-rc.1").sort_key.encode() < read("1.0").sort_key.encode()


@pytest.mark.parametrize(
    "text",
    ["", "v1", "1.", "01", "1.0.0.0", "1.0-rc", "1.0-rc.01", "1.0-gamma.1", "1000000", "1,0", " 1", "1\n", "１.0"],
)
def test_what_is_no_number_is_refused_where_it_stands(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text)
    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/number", "not_a_number")]


@pytest.mark.parametrize(
    ("taken", "suggested"),
    [
        ([], "1.0"),
        (["1.0"], "1.1"),
        (["1"], "1.1"),
        (["1.0", "1.1", "2.0"], "2.1"),
        (["1.9"], "1.10"),
        (["1.0.3"], "1.0.4"),
        (["2.0-rc.1"], "2.0-rc.2"),
        (["2.0-rc.1", "2.0"], "2.1"),
    ],
)
def test_the_next_number_follows_the_newest(taken: list[str], suggested: str) -> None:
    assert following(taken) == suggested


def test_instead_of_a_taken_number_the_next_free_one_is_offered() -> None:
    assert next_free("1.0", ["1.0"]) == "1.1"
    assert next_free("1", ["1.0", "1.1", "1.2"]) == "1.3"
    assert next_free("1.0-rc.1", ["1.0-rc.1", "1.0"]) == "1.0-rc.2"
    assert versioning.next_free("3.0", ["1.0"]) == "3.0"
