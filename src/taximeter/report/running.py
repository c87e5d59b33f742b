"""The report of the running process, for scripts and notebooks; and the table at its end."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from taximeter.errors import RunDirError
from taximeter.journal.line import to_line
from taximeter.recorder.instance import get_recorder
from taximeter.recorder.sinks.jsonl import JsonlSink
from taximeter.recorder.sinks.memory import MemorySink
from taximeter.report import html_static, records, terminal
from taximeter.report.build import build
from taximeter.report.loose import EventFiles, build_from_files
from taximeter.rundir import RunDir


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
    if recorder.run_dir is not None:
        return RunView(build(RunDir(Path(recorder.run_dir))))
    match recorder.sink:
        case JsonlSink(path=Path() as path):
            files = [found for found in (path, path.with_name(path.name + ".open")) if found.exists()]
            return RunView(build_from_files(EventFiles(files), recorder.sheet()))
        case MemorySink() as memory:
            return RunView(_of_memory(memory))
        case None:
            raise RunDirError("nothing is recorded: turn the recorder on with taximeter.enable()")
    raise RunDirError("the events of this process go elsewhere: look at them there")


def _of_memory(memory: MemorySink) -> records.RunInstrumentation:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "memory.jsonl")
        path.write_bytes(b"".join(map(to_line, memory.get_events())))
        return build_from_files(EventFiles([path]), get_recorder().sheet())


def print_summary(run_dir: str) -> None:
    """Prints a short table of a run that has ended to stderr."""
    sys.stderr.write(terminal.render(build(RunDir(Path(run_dir)))))
