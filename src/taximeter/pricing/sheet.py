"""The price sheet as everything but its author reads it: compiled, frozen, named by its content."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import msgspec

from taximeter.numbers import to_json


class RateCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rates of one model, in the sheet's currency per 1,000 tokens. An absent rate is not known, and not 0."""

    prompt_per_1k: Decimal | None = None
    completion_per_1k: Decimal | None = None
    cache_read_per_1k: Decimal | None = None
    """Input tokens answered from the provider's cache; without it they are charged as plain input."""

    cache_write_per_1k: Decimal | None = None
    """Input tokens written to the provider's cache; without it they are charged as plain input."""

    free: bool = False
    """Nothing is charged, and that is known."""


class Sheet(msgspec.Struct, frozen=True, tag="pricing_v1", tag_field="schema_version"):
    """A set of rate cards in one currency."""

    currency: str = "USD"
    updated_at: str | None = None
    models: dict[str, RateCard] = {}
    default: RateCard | None = None
    """Rates of a model that is not listed; what they price is an estimate."""

    def to_json(self) -> bytes:
        """The compiled sheet, keys sorted: the same rates give the same bytes."""
        return to_json(msgspec.to_builtins(self, builtin_types=(Decimal,), order="deterministic"))

    @property
    def sheet_id(self) -> str:
        """sha256 of the compiled sheet, in hex."""
        return hashlib.sha256(self.to_json()).hexdigest()


def read_sheet(path: Path) -> Sheet:
    """The compiled sheet of a run (`snapshots/pricing.json`)."""
    return msgspec.json.decode(path.read_bytes(), type=Sheet)
