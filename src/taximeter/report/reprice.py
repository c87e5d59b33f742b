"""What a run would have cost by other prices, beside what it did cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from taximeter.events import CallEvent
from taximeter.ledger.ledger import Ledger
from taximeter.pricing.sheet import Sheet
from taximeter.report import records
from taximeter.report.build import open_books
from taximeter.report.tally import roll_up
from taximeter.rundir import RunDir


class StageCosts(msgspec.Struct, frozen=True):
    """Calls of one stage, or of the whole run, priced twice."""

    name: str
    stage_id: str | None
    before: records.Totals
    after: records.Totals


class Repriced(msgspec.Struct, frozen=True):
    """A run priced twice."""

    stages: tuple[StageCosts, ...]
    run: StageCosts
    old_sheet_id: str
    new_sheet_id: str
    old_currency: str
    new_currency: str
    unpriced: tuple[str, ...]
    """Models that have no price now."""


def reprice(run: RunDir, sheet: Sheet, renames: Mapping[str, str], at: float | None) -> Repriced:
    """Prices all calls of a run once more: by a sheet, as calls of other models (old: new), and at one time.

    RunDirError if it is not the directory of a run.
    """
    books = open_books(run)
    folders = {stage.id: stage.folder for stage in books.plan.stages}
    again = Ledger(run, sheet, folders, 0, _other(renames, at, sheet.sheet_id != books.sheet.sheet_id))
    again.finish()
    order = [*folders, *(key.stage_id for key in books.ledger.calls.totals() if key.stage_id not in folders)]
    stages = tuple(
        StageCosts("(outside stages)" if stage_id is None else stage_id, stage_id, before, after)
        for stage_id in dict.fromkeys(order)
        for before, after in [(_totals(books.ledger, [stage_id]), _totals(again, [stage_id]))]
        if before.calls
    )
    after = again.calls.totals().items()
    return Repriced(
        stages=stages,
        run=StageCosts("run", None, _totals(books.ledger, order), _totals(again, order)),
        old_sheet_id=books.sheet.sheet_id,
        new_sheet_id=sheet.sheet_id,
        old_currency=books.sheet.currency,
        new_currency=sheet.currency,
        unpriced=tuple(sorted({key.model for key, part in after if part.unpriced_calls or part.partial_calls})),
    )


def _other(renames: Mapping[str, str], at: float | None, by_other_rates: bool) -> Callable[[CallEvent], CallEvent]:
    """Gives the call as another model's and at another time; what a provider billed is then no longer true.

    Nor does a bill say what the call would cost by other rates.
    """

    def other(call: CallEvent) -> CallEvent:
        new = renames.get(call.response_model or "") or renames.get(call.model)
        if new is not None:
            call = msgspec.structs.replace(call, model=new, response_model=None, provider=None)
        if at is not None:
            call = msgspec.structs.replace(call, started_at=at)
        if new is None and at is None and not by_other_rates:
            return call
        return msgspec.structs.replace(call, provider_cost=None)

    return other


def _totals(ledger: Ledger, stage_ids: Iterable[str | None]) -> records.Totals:
    wanted = set(stage_ids)
    return roll_up((key.model, totals) for key, totals in ledger.calls.totals().items() if key.stage_id in wanted)
