"""Reports of event files that lie in no run directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from taximeter.events import SpanEvent
from taximeter.pricing.builtin import built_in
from taximeter.pricing.sheet import Sheet
from taximeter.recorder.pids import lives
from taximeter.report import records
from taximeter.report.build import PROGRAM, Books
from taximeter.rundir import RunDir


class EventFiles(RunDir):
    """Event files that are looked at as one run."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(paths[0].parent)
        self._paths = sorted(paths)

    @property
    def run_id(self) -> str:
        """What the first of them is called."""
        return self._paths[0].name

    def journals(self) -> list[Path]:
        """The files, by name."""
        return self._paths

    def is_held(self) -> bool:
        """No: nobody can be asked."""
        return False


class FileBooks(Books):
    """The books of files that no driver holds: they go on while one of their processes is known to live."""

    def goes_on(self, processes: Sequence[SpanEvent]) -> bool:
        """Whether any of the processes lives, as far as can be seen from here."""
        return any(lives(process) for process in processes)


class OwnBooks(FileBooks):
    """The books of this very process, which lives."""

    def goes_on(self, processes: Sequence[SpanEvent]) -> bool:
        """Yes, though a memory that is full may have let its word go."""
        return True


def build_from_files(
    files: EventFiles, sheet: Sheet | None = None, books: type[FileBooks] = FileBooks
) -> records.RunInstrumentation:
    """The report of the calls and spans in these files, priced by this sheet, else by the built-in one."""
    opened = books(files, PROGRAM, PROGRAM.instrumentation.call_limit, sheet=sheet or built_in())
    opened.ledger.finish()
    return opened.report()
