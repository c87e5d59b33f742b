"""Events in a file: the journal of this process, which keeps what it has taken however the process dies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from functools import partial
from itertools import chain, count
from pathlib import Path

from taximeter import settings
from taximeter.errors import Problem, SetupError
from taximeter.events import Event, SpanEvent
from taximeter.journal.short import ShortSpan
from taximeter.journal.writer import Journal
from taximeter.recorder.sinks.later import LaterSink
from taximeter.rundir import RunDir, safe_name

_SUFFIX = ".jsonl"
_IN_RUN_DIR = "process.jsonl"


class JsonlSink:
    """Appends events to `PATH.open`, a line of JSON each; `close` leaves `PATH`.

    If either file exists, as in a forked child, it is `STEM.<pid>-<n>.jsonl`: nothing existing is overwritten. A
    path that ends in `/` is a run directory. `TAXIMETER_WORKER_ID=3` makes `out` and `out.jsonl` into `out.w3.jsonl`.
    Missing folders are made. SetupError, naming the path, if no file can be made there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._process_id: str | None = None
        self._named = str(Path.cwd() / path) + (os.sep if os.fspath(path).endswith(os.sep) else "")
        wanted = _wanted(self._named)
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            self._journal = _first_free(wanted)
        except OSError as error:
            raise _not_writable(wanted, error.strerror or str(error)) from None
        except ValueError as error:  # a NUL in it
            raise _not_writable(wanted, str(error)) from None

    def emit(self, event: Event) -> None:
        """Takes one event: it is in the file when the call returns."""
        self._journal.append(event)
        if self._process_id is None and isinstance(event, SpanEvent) and event.kind == "process":
            self._process_id = event.event_id[0]

    def short_of(self, process_id: str) -> Callable[[ShortSpan], None] | None:
        """Takes spans of the process whose span stands in the file, and is the first of its kind there."""
        return self._journal.append_short if process_id == self._process_id else None

    @property
    def path(self) -> Path:
        """The file, as it is named once it is closed."""
        return self._journal.path

    def flush(self, timeout: float) -> bool:
        """True: every event is in the file already."""
        return True

    def close(self) -> None:
        """Takes the mark of an open file away."""
        self._journal.close()

    def in_child(self) -> LaterSink:
        """A file of the child's own, beside this one, when the child says something."""
        self._journal.abandon()
        return LaterSink(partial(JsonlSink, self._named))


def _wanted(named: str) -> Path:
    path = RunDir(Path(named)).events / _IN_RUN_DIR if named.endswith(os.sep) else Path(named)
    worker = settings.WORKER_ID.read()
    return path.with_name(f"{_stem(path)}.w{safe_name(worker)}{_SUFFIX}") if worker else path


def _stem(path: Path) -> str:
    return path.name.removesuffix(_SUFFIX)


def _first_free(path: Path) -> Journal:
    beside = (path.with_name(f"{_stem(path)}.{os.getpid()}-{number}{_SUFFIX}") for number in count(1))
    for candidate in chain((path,), beside):
        with contextlib.suppress(FileExistsError):
            return Journal(candidate)
    raise AssertionError("there are as many names as numbers")


def _not_writable(path: Path, reason: str) -> SetupError:
    return SetupError(
        Problem(
            f"cannot write events there: {reason}",
            hint="name a file in a folder that this process may write to, as `jsonl:PATH`",
            path=str(path),
        )
    )
