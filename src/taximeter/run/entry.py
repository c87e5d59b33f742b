"""What the manifest says of a run: a line when it starts, and a line when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from taximeter.clock import iso
from taximeter.events import Status
from taximeter.ledger import manifest
from taximeter.ledger.manifest import GitState, ManifestLine, ReportFiles
from taximeter.recipe.plan import Plan
from taximeter.rundir import OutputDir, RunDir

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation


def report_files(run: RunDir) -> ReportFiles:
    """Where the reports of a run lie, from the folder of the manifest."""

    def relative(path: Path) -> str:
        return path.relative_to(run.output).as_posix()

    return ReportFiles(json=relative(run.report_json), md=relative(run.report_md), html=relative(run.report_html))


class Entry:
    """The lines of one run; the first one is written when this is made.

    `created_at` and `started_at` are seconds since the epoch: of the first start of the run, and of this one.
    """

    def __init__(
        self, run: RunDir, plan: Plan, created_at: float, started_at: float, files: ReportFiles | None
    ) -> None:
        self._output = OutputDir(run.output)
        self._line = ManifestLine(
            run_id=run.run_id,
            recipe=plan.recipe_name or None,
            created_at=iso(created_at),
            started_at=iso(started_at),
            status="running",
            tags=plan.tags or None,
            instrumentation=files,
        )
        manifest.append(self._output, self._line)

    def end(self, status: Status, report: RunInstrumentation, git: GitState | None) -> None:
        """The last line."""
        from taximeter.report.runs import run_totals  # nobody waits for it at the start of a run

        line = msgspec.structs.replace(
            self._line, ended_at=report.ended_at, status=status, totals=run_totals(report), git=git
        )
        manifest.append(self._output, line)
