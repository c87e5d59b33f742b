"""Events in a file: the journal of this process, which keeps what it has taken however the process dies."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

from taximeter import settings
from taximeter.errors import Problem, SetupError
from taximeter.events import Event
from taximeter.journal.writer import Journal
from taximeter.rundir import RunDir, safe_name

_SUFFIX = ".jsonl"
_IN_RUN_DIR = "process.jsonl"


class ProcessFile:
    """The event file of a process, made when the process says something: most forked children never do."""

    emit: Callable[[Event], None]
    """Takes one event: it is in the file when the call returns. Once the file is made it is the journal's own."""

    def __init__(self, wanted: Path) -> None:
        self._wanted = wanted
        self._journal: Journal | None = None
        self._lock = threading.RLock()
        self.emit = self._emit_first

    def _emit_first(self, event: Event) -> None:
        with self._lock:
            journal = self._journal or self._begin(_next_free(self._wanted))
        journal.append(event)

    def _begin(self, journal: Journal) -> Journal:
        self._journal = journal
        self.emit = journal.append
        return journal

    @property
    def path(self) -> Path | None:
        """The file, as it is named once it is closed; None if it is not made yet."""
        return self._journal.path if self._journal else None

    def flush(self, timeout: float) -> bool:
        """True: every event is in the file already."""
        return True

    def close(self) -> None:
        """Takes the mark of an open file away."""
        if self._journal:
            self._journal.close()

    def in_child(self) -> ProcessFile:
        """A file of the child's own, beside this one."""
        if self._journal:
            self._journal.abandon()
        return ProcessFile(self._wanted)


class JsonlSink(ProcessFile):
    """Appends events to `PATH.open`, a line of JSON each; `close` leaves `PATH`.

    If either file exists, and in a forked child, it is `STEM.<pid>-<n>.jsonl`: nothing existing is overwritten. A
    path that ends in `/` is a run directory. `TAXIMETER_WORKER_ID=3` makes `out` and `out.jsonl` into `out.w3.jsonl`.
    Missing folders are made. SetupError, naming the path, if no file can be made there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(_wanted(os.fspath(path)))
        try:
            self._wanted.parent.mkdir(parents=True, exist_ok=True)
            self._begin(_first_free(self._wanted))
        except OSError as error:
            raise _not_writable(self._wanted, error.strerror or str(error)) from None
        except ValueError as error:  # a NUL in it
            raise _not_writable(self._wanted, str(error)) from None


def _wanted(path: str) -> Path:
    folder = path.endswith(os.sep)
    wanted = Path(path).absolute()  # the program may go elsewhere
    if folder:
        wanted = RunDir(wanted).events / _IN_RUN_DIR
    worker = settings.WORKER_ID.read()
    return wanted.with_name(f"{_stem(wanted)}.w{safe_name(worker)}{_SUFFIX}") if worker else wanted


def _stem(path: Path) -> str:
    return path.name.removesuffix(_SUFFIX)


def _first_free(path: Path) -> Journal:
    try:
        return Journal(path)
    except FileExistsError:
        return _next_free(path)


def _next_free(path: Path) -> Journal:
    for number in count(1):
        try:
            return Journal(path.with_name(f"{_stem(path)}.{os.getpid()}-{number}{_SUFFIX}"))
        except FileExistsError:
            continue
    raise AssertionError("count() does not end")


def _not_writable(path: Path, reason: str) -> SetupError:
    return SetupError(
        Problem(
            f"cannot write events there: {reason}",
            hint="name a file in a folder that this process may write to, as `jsonl:PATH`",
            path=str(path),
        )
    )
