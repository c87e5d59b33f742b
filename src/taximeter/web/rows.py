"""One run in the list: what the manifest says of it, and its directory of what the manifest does not say."""

from __future__ import annotations

import msgspec

from taximeter.events import Status
from taximeter.ledger.manifest import ManifestLine, RunTotals
from taximeter.numbers import exact
from taximeter.report.records import RunInstrumentation
from taximeter.report.runs import run_totals
from taximeter.rundir import RunDir
from taximeter.web.foreign import read_state
from taximeter.web.moments import moment


class Row(msgspec.Struct, omit_defaults=True):
    """One run in the list. What is not known is left out."""

    id: str
    recipe: str | None = None
    status: Status | None = None
    at: float | None = None
    """By what it is sorted: its last start, else the newest word on a stage of it; seconds since the epoch."""

    wall_seconds: float | None = None
    metered: bool | None = None
    mocked: bool = False
    calls: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: msgspec.Raw | None = None
    cost_status: str | None = None
    currency: str | None = None
    tags: dict[str, str] | None = None
    gone: bool = False
    """Its directory is not there any more."""


class Figures(msgspec.Struct, frozen=True):
    """What the directory of a run told that the manifest does not."""

    status: Status
    recipe: str | None = None
    at: float | None = None
    totals: RunTotals | None = None
    tags: dict[str, str] | None = None


def figures_of(report: RunInstrumentation, run: RunDir) -> Figures:
    """What the report of a run has for its row."""
    at = moment(report.started_at)
    if at is None and (state := read_state(run)) is not None:
        at = state.updated_at
    return Figures(report.status, report.recipe_name, at, run_totals(report), report.tags or None)


def make_row(line: ManifestLine, figures: Figures | None, *, gone: bool) -> Row:
    """The row of a run; of what both say the manifest has the last word, unless the run goes on."""
    at = moment(line.started_at)
    row = Row(line.run_id, line.recipe, line.status, at, tags=line.tags, gone=gone)
    totals = line.totals
    if figures is not None:
        row.recipe = line.recipe or figures.recipe
        row.at = figures.at if at is None else at
        row.tags = line.tags or figures.tags
        totals = figures.totals if not line.ended_at or totals is None else totals
        if not line.ended_at or line.status is None or line.totals is None:  # a program that has recorded itself
            row.status = figures.status
    if totals is not None:
        row.wall_seconds, row.metered, row.mocked = totals.wall_seconds, totals.metered, totals.mocked
        if totals.metered:
            row.calls, row.prompt_tokens, row.completion_tokens = (
                totals.calls,
                totals.prompt_tokens,
                totals.completion_tokens,
            )
            row.cost = None if totals.cost is None else msgspec.Raw(exact(totals.cost).encode())
            row.cost_status, row.currency = totals.cost_status, totals.currency
    return row
