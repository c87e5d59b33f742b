"""A run directory as a driver finds it: its books so far, and what need not be run again."""

from __future__ import annotations

from taximeter.clock import Clock
from taximeter.errors import RunDirError
from taximeter.journal.reader import UNREADABLE
from taximeter.pricing.sheet import Sheet
from taximeter.report.build import Books
from taximeter.run.artifacts import Artifacts
from taximeter.run.choice import choose
from taximeter.run.earlier import keep_folders, made_elsewhere, made_here, shards_done
from taximeter.run.fingerprint import Fingerprints
from taximeter.run.prepare import Prepared
from taximeter.run.reuse import Reuse

_LIVE_CALLS = 50
"""Calls of a stage that are kept while a run goes on that lists them all in the end."""


def open_for_writing(prepared: Prepared, clock: Clock, sheet: Sheet | None = None) -> Books:
    """The books of the run with all that earlier drivers wrote, and with the plan as this directory can run it; `sheet`
    is that of the run, if it need not be read."""
    plan, run = prepared.checked.plan, prepared.run
    limit = plan.instrumentation.call_limit
    try:
        books = Books(run, plan, _LIVE_CALLS if limit is None else limit, clock, sheet)
    except UNREADABLE as error:
        raise RunDirError(f"a snapshot of {run.path} cannot be read: {error}; start over with --force") from None
    if not prepared.options.force:  # else nothing of what there is stays
        books.ledger.poll()
        books.plan = keep_folders(plan, books.ledger.stages())
    return books


def make_reuse(prepared: Prepared, books: Books, artifacts: Artifacts, python: str) -> Reuse:
    """What flags and earlier sittings say about each stage; SetupError if the flags do not fit what was done."""
    options, plan = prepared.options, books.plan
    stages = books.ledger.stages()
    here = made_here(books.run, stages)
    whole = {stage.id for stage in plan.stages if artifacts.is_whole(stage, artifacts.of(stage))}
    return Reuse(
        books.run,
        choose(plan, options, here.keys() & whole),
        here if options.skip_done or options.start_from else {},
        made_elsewhere(prepared.resumed) if prepared.resumed else {},
        artifacts,
        Fingerprints(plan, artifacts, prepared.checked.modules, python),
        shards_done(stages) if options.skip_done else {},
    )
