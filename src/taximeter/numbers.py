"""Numbers as text: rounded for the eye (never read back, never added up), and exact for JSON."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

UNKNOWN = "-"
"""What stands where a figure is not known; it is never printed as 0."""

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


def money(amount: Decimal | None, currency: str = "USD") -> str:
    """Two decimals from 1 up, four significant digits below: `$1,204.50`, `$0.0544`, `$0.0000012`."""
    if amount is None:
        return UNKNOWN
    sign = _SIGNS.get(currency, currency + " ")
    if amount == 0 or abs(amount) >= 1:
        return f"{'-' if amount < 0 else ''}{sign}{abs(amount):,.2f}"
    places = -amount.adjusted() + 2
    rounded = abs(amount).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    text = f"{rounded:f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{'-' if amount < 0 else ''}{sign}{whole}.{fraction:0<2}"


def seconds(value: float | None) -> str:
    """`0.004 s`, `1.24 s`, `59.0 s`, `2m 05s`, `3h 02m`, `2d 04h`."""
    if value is None:
        return UNKNOWN
    if value < 59.95:
        return f"{value:.{3 if value < 0.1 else 2 if value < 10 else 1}f} s"
    whole = round(value)
    for size, unit, below, lower in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // below:02d}{lower}"
    return f"{whole} s"


def size(count: int | None) -> str:
    """Bytes in powers of 1,000: `0 B`, `12.3 kB`, `610 MB`, `1.20 GB`."""
    if count is None:
        return UNKNOWN
    return _scaled(count, ("B", "kB", "MB", "GB", "TB", "PB"), " ")


def count(number: int | None) -> str:
    """Whole numbers: exact to 99,999, then `123k`, `4.56M`."""
    if number is None:
        return UNKNOWN
    return f"{number:,}" if abs(number) < 100_000 else _scaled(number, ("", "k", "M", "G", "T"), "")


def plural(number: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def percent(part: float, whole: float) -> str:
    """Share of a whole: `61 %`; unknown of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else UNKNOWN


def to_json(value: Any) -> bytes:
    """JSON in which each Decimal, however deep it stands, is a plain number: exact, no exponent, no string."""
    return msgspec.json.encode(_plain(value))


def plain(value: Any) -> Any:
    """Records as maps and lists; each Decimal stays one."""
    return msgspec.to_builtins(value, builtin_types=(Decimal,))


def exact(value: Decimal) -> str:
    """All digits of a number and no more, without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(exact(value).encode())
    if isinstance(value, msgspec.Struct):
        return _plain(plain(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _scaled(number: int, units: tuple[str, ...], gap: str) -> str:
    value, index = float(number), 0
    while abs(value) >= 999.5 and index < len(units) - 1:
        value, index = value / 1000, index + 1
    digits = 0 if index == 0 or abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{digits}f}{gap}{units[index]}"
