"""The prices that a run was priced by."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from taximeter.report.records.terms import Money, Record


class UnitRate(Record, frozen=True, kw_only=True):
    """What `per` units cost."""

    rate: Money
    per: Annotated[int, Meta(ge=1)]


class SpecialRate(UnitRate, frozen=True, kw_only=True):
    """A rate by which calls were charged, and which is not the standard one; in the money of the sheet."""

    unit: str
    rule: str
    """What made it: tier, variant, layers, exchange."""


class Rates(Record, frozen=True, kw_only=True):
    """Rates of one model: the standard ones, and of the others those that were applied.

    All that the sheet has stand in `snapshots/pricing.json`.
    """

    units: dict[str, UnitRate] = {}
    """By unit: a token count, or a counter."""

    special: list[SpecialRate] = []
    free: bool = False
    currency: str | None = None
    """null: that of the sheet."""

    source: str | None = None
    """Where the figures come from."""

    as_of: str | None = None
    """The day on which they were read there."""


class Pricing(Record, frozen=True, kw_only=True):
    """The prices that were applied."""

    source: str | None = None
    """The price sheet."""

    updated_at: str | None = None
    currency: str = "USD"
    sheet_id: str | None = None
    """sha256 of the compiled sheet."""

    models: dict[str, Rates] = {}
    """Rates of the models that were used."""

    default: Rates | None = None
    """Rates by which models that are not listed were estimated."""

    unpriced: list[str] = []
    """Models that were used and have no price."""

    estimated: list[str] = []
    """Models that were priced by default rates."""
