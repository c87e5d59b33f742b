"""The report of the running process, for scripts and notebooks; and the table at its end."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from taximeter.errors import RunDirError
from taximeter.journal.line import to_line
from taximeter.pricing.sheet import Sheet
from taximeter.recorder.home import Home
from taximeter.recorder.instance import get_recorder
from taximeter.recorder.sinks.jsonl import JsonlSink
from taximeter.recorder.sinks.memory import MemorySink
from taximeter.recorder.sinks.sink import Sink, leaves
from taximeter.report import html_static, records, terminal
from taximeter.report.build import build
from taximeter.report.loose import EventFiles, FileBooks, OwnBooks, build_from_files
from taximeter.rundir import RunDir, safe_name


class RunView:
    """A report as it is looked at: text for `print`, static HTML in a notebook. The figures are in `report`."""

    def __init__(self, report: records.RunInstrumentation) -> None:
        self.report = report

    def __str__(self) -> str:
        return terminal.render(self.report)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_static.render(self.report)


def run_report() -> RunView:
    """What the run of this process took and what it cost so far.

    RunDirError if the recorder is off, or hands its events to somebody who does not give them back.
    """
    recorder = get_recorder()
    if recorder.sink is None:
        raise RunDirError("nothing is recorded: turn the recorder on with taximeter.enable()")
    if recorder.run_dir is not None:
        return RunView(build(RunDir(Path(recorder.run_dir))))
    report = _of_sink(recorder.sink, recorder.run_id, recorder.sheet(), OwnBooks)
    if report is None:
        raise RunDirError("the events of this process go elsewhere: look at them there")
    return RunView(report)


def _of_sink(sink: Sink, run_id: str, sheet: Sheet | None, books: type[FileBooks]) -> records.RunInstrumentation | None:
    """The report of what a sink holds; None if it holds nothing that can be read back."""
    for leaf in sorted(leaves(sink), key=lambda leaf: isinstance(leaf, MemorySink)):  # a memory may be too small
        match leaf:
            case JsonlSink(path=Path() as path):
                files = [found for found in (path, path.with_name(path.name + ".open")) if found.exists()]
                return build_from_files(EventFiles(files), sheet, books)
            case MemorySink() as memory:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder, safe_name(run_id))  # the name of the report
                    path.write_bytes(b"".join(map(to_line, memory.get_events())))
                    return build_from_files(EventFiles([path]), sheet, books)
    return None


def print_summary(home: Home, sheet: Sheet | None) -> None:
    """Prints a short table of a run that has ended to stderr, if its events can be read back."""
    report = build(home.run) if home.run is not None else _of_sink(home.sink, home.run_id, sheet, FileBooks)
    if report is not None:
        sys.stderr.write(terminal.render(report))
