"""Which prices were applied, and what they do not cover."""

from __future__ import annotations

import msgspec

from taximeter.ledger.ledger import Ledger
from taximeter.pricing.price import DEFAULT
from taximeter.pricing.sheet import RateCard, Sheet
from taximeter.recipe.plan import Instrumentation
from taximeter.report import schemas


def pricing_record(instrumentation: Instrumentation, sheet: Sheet, ledger: Ledger) -> schemas.Pricing:
    """The rates by which calls were priced, and the names of the models that have none."""
    totals = ledger.totals.items()
    return schemas.Pricing(
        source=instrumentation.price_table or "built-in",
        updated_at=sheet.updated_at,
        currency=sheet.currency,
        sheet_id=sheet.sheet_id,
        models={name: _rates(sheet.models[name]) for name in sorted(ledger.entries & sheet.models.keys())},
        default=_rates(sheet.default) if sheet.default and DEFAULT in ledger.entries else None,
        unpriced=sorted({key.model for key, part in totals if part.unpriced_calls or part.partial_calls}),
        estimated=sorted({key.model for key, part in totals if part.estimated_calls}),
    )


def _rates(card: RateCard) -> schemas.Rates:
    return schemas.Rates(**msgspec.structs.asdict(card))
