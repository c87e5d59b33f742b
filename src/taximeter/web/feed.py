"""One run as it is looked at: its books are kept open, so that each look reads only what was written since."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from taximeter.errors import RunDirError
from taximeter.journal.reader import UNREADABLE, LineReader
from taximeter.ledger.moments import keep_moments
from taximeter.numbers import to_json
from taximeter.pricing.sheet import Sheet
from taximeter.report import records
from taximeter.report.attached import NOTHING, Attached, notes, snapshots
from taximeter.report.build import UNPLANNED, Books, empty_books
from taximeter.report.html import page_data
from taximeter.report.side import Side
from taximeter.report.timeline import window_record
from taximeter.rundir import RunDir
from taximeter.web.foreign import report_files
from taximeter.web.parts import Parts

_LEAST = 0.3
"""Seconds between two looks; more if a look takes long: never more than a quarter of the time."""

_SHARE = 4
_RECENT = 60
"""Steps of the run that are listed, the newest."""

_UNFIT = (OSError, ValueError, *UNREADABLE)
"""What reading a directory can raise, whatever lies in it."""


class _Step(msgspec.Struct, frozen=True):
    """A line of `pipeline_events.jsonl`, as far as it is shown."""

    timestamp: str | None = None
    stage: str | None = None
    status: str | None = None
    percent: float | None = None
    message: str | None = None

    def goes_on_from(self, before: _Step) -> bool:
        """Whether it says no more than how far a stage is now."""
        return self.percent is not None and (self.stage, self.status) == (before.stage, before.status)


_steps = msgspec.json.Decoder(_Step)


class Feed:
    """The report of one run, and what is new in it. Threads may share it."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.parts = Parts()
        """The report as the viewer reads it, in parts; also `recent`."""

        self.report: records.RunInstrumentation | None = None
        """The latest; None before the first look."""

        self._books: Books | None = None
        self._key: object = None
        self._settled: tuple[int, int] | None = None
        """How the events of a run that is over stood at the last look; if they stand the same there is nothing new."""

        self._beside = NOTHING
        self._steps = LineReader(run.progress)
        self._recent: deque[_Step] = deque(maxlen=_RECENT)
        self._due = 0.0
        self._lock = Lock()

    def look(self) -> records.RunInstrumentation:
        """Reads what is new, unless somebody has just done so. RunDirError if there is no such run (any more)."""
        with self._lock:
            if self.report is None or time.monotonic() >= self._due:
                begin = time.monotonic()
                try:
                    self._look()
                except (*_UNFIT, RunDirError) as error:
                    self._books = self._settled = None  # to be opened anew
                    if isinstance(error, RunDirError):
                        raise
                    raise RunDirError(f"the directory of run {self.run.run_id} cannot be read: {error}") from None
                self._due = time.monotonic() + max(_LEAST, _SHARE * (time.monotonic() - begin))
            assert self.report is not None
            return self.report

    def json(self) -> bytes:
        """The latest report, whole."""
        self.look()
        return as_object(self.parts.since(0))

    def side(self) -> Side:
        """The run, to be compared with another one."""
        report = self.look()
        with self._lock:
            if self._books is None:
                return Side(report, UNPLANNED, Sheet())
            return Side(report, self._books.plan, self._books.sheet, run=self.run)

    def folder(self, stage_id: str) -> str | None:
        """The folder of a stage, from the run directory; None if it has none."""
        report = self.look()
        with self._lock:
            if self._books is not None:
                for stage in self._books.plan.stages:
                    if stage.id == stage_id:
                        return stage.folder
                for span in self._books.ledger.spans.values():
                    if span.stage_id == stage_id and span.folder is not None:
                        return span.folder
        artifact = next((stage.artifact for stage in report.stages if stage.id == stage_id), None)
        return artifact.partition("/")[0] if artifact else None

    def window(self, begin_ms: float, end_ms: float, most: int) -> records.Timeline:
        """The calls and spans of a stretch of time, in milliseconds as in the report; at most `most` bars."""
        origin = self.look().timeline.started_at
        with self._lock:
            if self._books is None or origin is None:
                return records.Timeline()
            return window_record(self._books.ledger, origin, begin_ms, end_ms, most)

    def _look(self) -> None:
        if self.run.path.is_symlink():
            raise RunDirError(f"{self.run.path} is a link: it is not followed")
        settled = None if self.run.is_held() else _changed(self.run.events)
        if self._settled is not None and settled != self._settled:
            self._books = None  # it was over, and somebody has gone on with it
        fresh = self._open()
        if settled is not None and settled == self._settled and not fresh:
            return
        self._settled = settled
        if self._books is None:
            self.report = report_files(self.run)
        else:
            self._books.take()
            self.report = self._books.report()
        data = page_data(self.report, self._beside)
        data["recent"] = self._read_steps()
        self.parts.put({name: to_json(part) for name, part in data.items()})

    def _open(self) -> bool:
        """Opens the books anew if they are about something else now, as when another driver goes on with the run."""
        key = (_identity(self.run.path), _changed(self.run.plan), _identity(self.run.pricing))
        there = self._books is not None and self._books.plan is not UNPLANNED
        if there and key == self._key:
            return False
        self._key = key
        self._books = empty_books(self.run) if self.run.is_one() else None
        if self._books is not None:
            keep_moments(self._books.ledger)
            self._beside = Attached(modules=notes(self._books.plan), snapshots=snapshots(self.run))
        return True

    def _read_steps(self) -> list[Any]:
        for line in self._steps.lines():
            try:
                step = _steps.decode(line.data)
            except UNREADABLE:
                continue
            if self._recent and step.goes_on_from(self._recent[-1]):
                self._recent.pop()
            self._recent.append(step)
        return [msgspec.to_builtins(step) for step in self._recent]


def as_object(parts: list[tuple[str, bytes]]) -> bytes:
    """A JSON object of parts."""
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + text for name, text in parts) + b"}"


def _identity(path: Path) -> int | None:
    """Which file it is; another one may have been put in its place."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _changed(path: Path) -> tuple[int, int]:
    """The same, and when it was last changed; zeros if there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns
