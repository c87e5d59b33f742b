"""What the latest runs lack: prices, usages, lines that were torn, files of processes that died."""

from __future__ import annotations

from collections import Counter

import msgspec

from taximeter.errors import RunDirError
from taximeter.journal.writer import OPEN_SUFFIX
from taximeter.report.build import build
from taximeter.report.gaps import gaps
from taximeter.report.json import parse
from taximeter.report.records import RunInstrumentation
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir

LATEST = 20
"""How many runs are looked at."""


class Health(msgspec.Struct):
    """What was found in the latest runs."""

    runs: int = 0
    """How many there are in all."""

    looked_at: int = 0
    gone: int = 0
    """Runs of which only the lines in the manifest are left."""

    unpriced: dict[str, int] = {}
    """Models without a price, and in how many runs."""

    incomplete: dict[str, list[str]] = {}
    """What is missing from the figures, by run."""

    unclosed: list[str] = []
    """Runs that nobody holds and that have files still open: `taximeter repair` closes them."""


def health(output: OutputDir) -> Health:
    """Looks at the latest runs, without changing anything."""
    lines = known_runs(output)
    found, unpriced = Health(runs=len(lines)), Counter[str]()
    for line in lines[:LATEST]:
        run = output.run(line.run_id)
        found.looked_at += 1
        try:
            report = _report(run)
        except (RunDirError, OSError):
            found.gone += 1
            continue
        unpriced.update(report.pricing.unpriced)
        if report.metered and (missing := gaps(report)):
            found.incomplete[line.run_id] = missing
        if not run.is_held() and any(path.name.endswith(OPEN_SUFFIX) for path in run.journals()):
            found.unclosed.append(line.run_id)
    found.unpriced = dict(unpriced.most_common())
    return found


def _report(run: RunDir) -> RunInstrumentation:
    """As it was written; made anew if it was not, or cannot be read."""
    try:
        return parse(run.report_json.read_text())
    except (OSError, ValueError, msgspec.DecodeError):
        return build(run)
