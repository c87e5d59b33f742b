"""Which prices were applied, and what they do not cover."""

from __future__ import annotations

from collections.abc import Iterator, Set

from taximeter.ledger.callsums import SpecialRate
from taximeter.ledger.ledger import Ledger
from taximeter.pricing.cost import DEFAULT
from taximeter.pricing.sheet import Entry, Sheet
from taximeter.recipe.plan import Instrumentation
from taximeter.redact import without_secrets
from taximeter.report import records


def pricing_record(instrumentation: Instrumentation, sheet: Sheet, ledger: Ledger) -> records.Pricing:
    """The rates by which calls were priced, and the names of the models that have none."""
    totals = ledger.calls.totals().items()
    entries = ledger.calls.entries
    used = dict(_used(sheet, entries.keys()))
    return records.Pricing(
        source=without_secrets(instrumentation.price_table or "built-in"),
        updated_at=sheet.updated_at,
        currency=sheet.currency,
        sheet_id=sheet.sheet_id,
        models={name: _rates(used[name], entries[name]) for name in sorted(used)},
        default=_rates(sheet.default, entries[DEFAULT]) if sheet.default and DEFAULT in entries else None,
        unpriced=sorted({key.model for key, part in totals if part.unpriced_calls or part.partial_calls}),
        estimated=sorted({key.model for key, part in totals if part.estimated_calls}),
    )


def _used(sheet: Sheet, names: Set[str]) -> Iterator[tuple[str, Entry]]:
    """Entries by name; no sheet is read further than they reach."""
    missing = names - {DEFAULT}
    for level in sheet.chain() if missing else ():
        found = {entry.name: entry for entry in level.entries if entry.name in missing}
        yield from found.items()
        missing -= found.keys()
        if not missing:
            return


def _rates(entry: Entry, special: Set[SpecialRate]) -> records.Rates:
    return records.Rates(
        free=entry.free,
        currency=entry.currency,
        units={unit: records.UnitRate(rate=rate.price, per=rate.per) for unit, rate in entry.rates.items()},
        special=[records.SpecialRate(**rate._asdict()) for rate in sorted(special)],
        source=entry.source,
        as_of=entry.as_of,
    )
