"""Quantities on the command line, written as in a recipe: each function is the `type` of an option."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

from taximeter.budget import Budget, parse_budget


def duration(text: str) -> float:
    """Seconds from `90`, `1.5s`, `30m`, `1h 30m`."""
    from taximeter.yamldoc import quantities  # comes with YAML

    try:
        seconds = quantities.seconds(_plain(text))
    except quantities.QuantityError as error:
        raise click.BadParameter(f"{text!r} is not a duration: {error.hint}") from None
    if seconds == 0:
        raise click.BadParameter(f"{text!r} is not a duration: it must be more than 0")
    return seconds


def size(text: str) -> int:
    """Bytes from `500000000`, `512MiB`, `2GiB`."""
    from taximeter.yamldoc import quantities

    try:
        return quantities.size(_plain(text))
    except quantities.QuantityError as error:
        raise click.BadParameter(f"{text!r} is not a size: {error.hint}") from None


def money(text: str) -> Decimal:
    """An amount in the currency of the price sheet."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise click.BadParameter(f"{text!r} is not an amount of money: write it like 0.50")
    return amount


def budget(text: str) -> Budget:
    """A budget; `wall` in words like `30m`, too."""
    parts = [part.partition("=") for part in text.split(",")]
    plain = ",".join(
        f"{name}={duration(value)}" if name.strip() == "wall" else f"{name}{equals}{value}"
        for name, equals, value in parts
    )
    try:
        return parse_budget(plain)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def share(text: str) -> float:
    """A fraction from `10%` or `0.1`."""
    try:
        fraction = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        fraction = -1.0
    if not 0 <= fraction < float("inf"):
        raise click.BadParameter(f"{text!r} is not a share: write it like 10% or 0.1")
    return fraction


def _plain(text: str) -> str | int | float:
    """A bare number is one of the unit itself."""
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
