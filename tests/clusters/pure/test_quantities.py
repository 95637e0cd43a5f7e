"""Quantities, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest

from clusters.quantities import NotAQuantity, canonical_text, is_binary, parse, same, total, write


@pytest.mark.parametrize(
    ("text", "amount", "canonical"),
    [
        ("0", Fraction(0), "0"),
        ("1", Fraction(1), "1"),
        ("1000m", Fraction(1), "1"),
        ("0.1", Fraction(1, 10), "100m"),
        (".5", Fraction(1, 2), "500m"),
        ("1.", Fraction(1), "1"),
        ("1500m", Fraction(3, 2), "1500m"),
        ("1024Mi", Fraction(2**30), "1Gi"),
        ("1536Mi", Fraction(3 * 2**29), "1536Mi"),
        ("1.5Gi", Fraction(3 * 2**29), "1536Mi"),
        ("1000Ki", Fraction(1024000), "1000Ki"),
        ("512Ki", Fraction(2**19), "512Ki"),
        ("2e3", Fraction(2000), "2k"),
        ("2E-3", Fraction(2, 1000), "2m"),
        ("1k", Fraction(1000), "1k"),
        ("1000k", Fraction(10**6), "1M"),
        ("100n", Fraction(1, 10**7), "100n"),
        ("2E", Fraction(2 * 10**18), "2E"),
        ("1Ei", Fraction(2**60), "1Ei"),
    ],
)
def test_a_quantity_is_read_exactly_and_written_as_the_apiserver_does(
    text: str, amount: Fraction, canonical: str
) -> None:
    assert parse(text) == amount
    assert canonical_text(text) == canonical
    assert parse(canonical) == amount


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1 Gi", "1gi", "1ki", "1mm", "one", "1e", "1e3Mi", "٣", ".", "1" * 19]
)
def test_anything_else_is_no_quantity(text: str) -> None:
    with pytest.raises(NotAQuantity):
        parse(text)


def test_amounts_are_compared_added_and_written() -> None:
    assert (
        same("1", "1000m") and same("1Gi", "1024Mi") and not same("1G", "1Gi") and same("x", "x") and not same("x", "1")
    )
    assert write(total([parse("6Gi"), parse("384Mi")]), binary=True) == "6528Mi"
    assert write(Fraction(1, 3)) == "333333334n"
    assert write(Fraction(1500), binary=True) == "1500"
    assert is_binary("1Gi") and not is_binary("1G")
