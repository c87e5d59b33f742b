"""Tidies up after a run whose driver or processes died: their files are closed, its reports and its entry are made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from taximeter.errors import RunDirError
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.numbers import plural
from taximeter.report import html, json, markdown
from taximeter.report.attached import attached
from taximeter.report.build import build
from taximeter.report.dead import Repair, close_dead
from taximeter.report.records import RunInstrumentation
from taximeter.report.runs import run_totals
from taximeter.rundir import OutputDir, RunDir, replace

_LEFTOVERS = ("*.tmp", "snapshots/*.tmp", "events/*.tmp", "*/usage.*.json.tmp")
"""Of our own writing; what else lies in the folder of a stage is the stage's, however it is called."""


def repair(run: RunDir) -> tuple[RunInstrumentation, list[Repair]]:
    """Mends what can be mended from here; what is lost stays counted. Gives the report and what was done.

    RunDirError if a living driver holds the run, or if the directory is no run.
    """
    if run.is_held():
        raise RunDirError(f"{run.path} is held by a living driver: there is nothing to repair before it ends")
    if not run.is_one():
        raise RunDirError(f"{run.path} is not the directory of a run")
    done = close_dead(run)
    done += _remove_leftovers(run)
    report = build(run)
    if report.metered:
        for path, text in (
            (run.report_json, json.render(report)),
            (run.report_md, markdown.render(report)),
            (run.report_html, html.render(report, attached(run, report.stages))),
        ):
            content = text.encode()
            if not path.exists() or path.read_bytes() != content:
                replace(path, content)
                done.append(Repair(path.name, "rebuilt", "it did not say what the run directory tells"))
    done += _end_entry(run, report)
    return report, done


def _remove_leftovers(run: RunDir) -> Iterator[Repair]:
    for path in sorted({path for pattern in _LEFTOVERS for path in run.path.glob(pattern)}):
        if path.is_symlink():
            continue
        if path.is_file():
            path.unlink()
            yield Repair(str(path.relative_to(run.path)), "removed", "a write that did not come to its end")
        elif path.name.startswith("tables."):
            shutil.rmtree(path)
            yield Repair(path.name, "removed", "tables that did not come to their end")


def _end_entry(run: RunDir, report: RunInstrumentation) -> list[Repair]:
    """The last line of the manifest about a run that had none."""
    output = OutputDir(run.output)
    known = next((line for line in manifest.read(output) if line.run_id == run.run_id), None)
    if not run.is_listed or (known is not None and known.totals and known.status == report.status):
        return []
    append_end(run, report, known)
    return [Repair(output.manifest.name, "rebuilt", f"it did not say how the run ended: {report.status}")]


def append_end(run: RunDir, report: RunInstrumentation, known: ManifestLine | None) -> None:
    """Tells the manifest how a run ended and what it took; `known` is what it says of it so far."""
    line = ManifestLine(
        run.run_id,
        report.recipe_name,
        started_at=report.started_at if known is None else None,
        ended_at=report.ended_at,
        status=report.status,
        totals=run_totals(report),
    )
    manifest.append(OutputDir(run.output), line)


def summary(done: list[Repair]) -> str:
    """What was done, in a sentence."""
    mended = sum(one.action != "left" for one in done)
    left = len(done) - mended
    return f"{plural(mended, 'file')} mended" + (f", {left} left as they are" if left else "")
