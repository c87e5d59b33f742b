"""Numbers as people and JSON see them."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter import numbers


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"),
        ("0", "$0.00"),
        ("1204.5", "$1,204.50"),
        ("0.999999", "$1.00"),
        ("0.054399", "$0.0544"),
        ("0.1", "$0.10"),
        ("0.0000012", "$0.0000012"),
        ("0.000000000001", "$0.000000000001"),
        ("-0.25", "-$0.25"),
    ],
)
def test_money(amount: str | None, text: str) -> None:
    assert numbers.money(None if amount is None else Decimal(amount)) == text


def test_money_of_another_currency() -> None:
    assert numbers.money(Decimal("1.5"), "EUR") == "€1.50"
    assert numbers.money(Decimal("1.5"), "SEK") == "SEK 1.50"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0.000 s"),
        (0.0042, "0.004 s"),
        (1.239, "1.24 s"),
        (59.94, "59.9 s"),
        (59.96, "1m 00s"),
        (125, "2m 05s"),
        (3599.7, "1h 00m"),
        (10_920, "3h 02m"),
        (187_200, "2d 04h"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert numbers.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (12_340, "12.3 kB"), (999_999, "1.00 MB")],
)
def test_size(value: int | None, text: str) -> None:
    assert numbers.size(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (99_999, "99,999"), (100_000, "100k"), (4_560_000, "4.56M")])
def test_count(value: int | None, text: str) -> None:
    assert numbers.count(value) == text


def test_a_share_of_nothing_is_not_known() -> None:
    assert numbers.percent(1, 0) == "-"
    assert numbers.percent(61, 100) == "61 %"


@given(st.decimals(min_value=0, max_value=10**20, places=12))
def test_money_in_json_is_a_plain_number_with_all_its_digits(amount: Decimal) -> None:
    text = numbers.to_json({"a": [amount]}).decode()
    assert "e" not in text.lower()
    assert '"a":["' not in text
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal)["a"][0] == amount
