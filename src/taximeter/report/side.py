"""What a comparison needs of a run: of the run directory itself, or of what was kept of it in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from taximeter.errors import Problem, RunDirError, SetupError
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger import manifest
from taximeter.ledger.manifest import GitState
from taximeter.numbers import to_json
from taximeter.pricing.sheet import NO_SHEET, Sheet
from taximeter.recipe.plan import Plan
from taximeter.report import records
from taximeter.report.build import open_books
from taximeter.report.json import parse, render
from taximeter.report.loose import EventFiles
from taximeter.report.runs import find_run
from taximeter.rundir import OutputDir, RunDir


class Side(msgspec.Struct, frozen=True):
    """One of two runs that are compared."""

    report: records.RunInstrumentation
    plan: Plan
    sheet: Sheet
    git: GitState | None = None
    """The commit that it was started from."""

    run: RunDir | None = None
    """None: what is left of it is a file."""

    @property
    def name(self) -> str:
        """Its run id."""
        return self.report.run_id


class _Kept(msgspec.Struct, frozen=True, tag="baseline_v1", tag_field="schema_version"):
    """The file of a baseline."""

    report: msgspec.Raw
    plan: Plan
    sheet: Sheet
    """Only the entries by which calls of the run were priced; the id of the whole sheet stands in the report."""

    git: GitState | None = None


_kept = msgspec.json.Decoder(_Kept)


def open_side(name: str, output: OutputDir) -> Side:
    """What a person named: a run, as everywhere, a saved baseline, or the file of one.

    RunDirError if there is no such run; SetupError if the file is no baseline.
    """
    for file in (Path(name), output.baseline(name)):
        if file.is_file() and not output.run(name).is_one():
            return read_baseline(file)
    run = find_run(name, output)
    if isinstance(run, EventFiles):
        raise RunDirError(f"{name} are event files, which have neither stages nor prices: name a run")
    books = open_books(run)
    git = next((line.git for line in manifest.read(OutputDir(run.output)) if line.run_id == run.run_id), None)
    return Side(books.report(), books.plan, books.sheet, git, run)


def baseline(side: Side) -> bytes:
    """JSON of all that is needed to compare other runs with this one later: its figures, plan, prices and commit."""
    report = msgspec.structs.replace(
        side.report,
        stages=[
            msgspec.structs.replace(stage, llm_calls=[], llm_calls_omitted=stage.llm_totals.calls)
            for stage in side.report.stages
        ],
        timeline=records.Timeline(),
        spans=records.SpanTree(),
    )
    sheet = _used(side.sheet, set(side.report.pricing.models))
    plain: dict[str, Any] = {
        "schema_version": "baseline_v1",
        "report": msgspec.Raw(render(report).encode()),
        "plan": msgspec.Raw(side.plan.snapshot()),
        "sheet": msgspec.Raw(sheet.encoded),
        "git": msgspec.to_builtins(side.git),
    }
    return msgspec.json.format(to_json(plain), indent=1) + b"\n"


def read_baseline(path: Path) -> Side:
    """What `baseline` wrote; SetupError if the file is something else, OSError if it cannot be read."""
    try:
        kept = _kept.decode(path.read_bytes())
        report = parse(bytes(kept.report).decode())
    except UNREADABLE as error:
        what = str(error).partition("\n")[0]
        hint = "`taximeter baseline save` writes one"
        raise SetupError(Problem(f"this is not the file of a baseline: {what}", hint, path=str(path))) from None
    return Side(report, kept.plan, kept.sheet, kept.git)


def _used(sheet: Sheet, names: set[str]) -> Sheet:
    """The sheet with those of its entries, and of the sheets below it, that have these names."""
    base = NO_SHEET if sheet.base is None else msgspec.Raw(_used(sheet.base, names).encoded)
    return msgspec.structs.replace(
        sheet, entries=tuple(entry for entry in sheet.entries if entry.name in names), extends=base
    )
