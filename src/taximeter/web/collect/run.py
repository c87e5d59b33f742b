"""The directory of a run that others tell of: how it is begun, held while it goes on, and let go."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from taximeter.clock import iso
from taximeter.events import SpanEvent
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.rundir import OutputDir, RunDir, safe_name
from taximeter.web.collect.handles import Handles
from taximeter.web.collect.stream import Stream

S = TypeVar("S", bound=Stream)

_ROOTS = ("run", "process")


class Run:
    """One run of which events have come lately; OSError if its directory cannot be made."""

    def __init__(self, directory: RunDir, at: float, give_prices: Callable[[Path], None]) -> None:
        self.dir = directory
        self.streams: dict[str, Stream] = {}
        """By process id."""

        self.heard = time.monotonic()
        """When anything came last."""

        self.is_being_read = False
        """Somebody finds out how it stands."""

        self.others_open = False
        """Processes are open of which nothing has come since this was made, as was found when nothing came any more."""

        self._is_settled = False

        self._open: set[str] = set()
        self._lock: int | None = None
        self._begin(at, give_prices)

    def open_stream(self, process: str, handles: Handles, kind: type[S]) -> S:
        """What a process has sent. OSError if it cannot be read."""
        stream = kind(self.dir.events / f"{safe_name(process)}.jsonl", process, handles)
        self.streams[process] = stream
        self._is_settled = False
        return stream

    def note(self, span: SpanEvent) -> None:
        """Learns from a span whether the run, and which of its processes, goes on."""
        if span.kind in _ROOTS:
            if span.ended_at is None:
                self._open.add(span.span_id)
            else:
                self._open.discard(span.span_id)
                self.others_open = False  # it may have been the last of them

    @property
    def is_ours(self) -> bool:
        """Whether the collector holds it: it has no other driver."""
        return self._lock is not None

    @property
    def seems_over(self) -> bool:
        """Whether all that has begun, as far as it was told here, has ended."""
        return not self._open and not self.others_open

    def settle(self, sync: Callable[[int], None]) -> None:
        """Lets the names of its files be put where they outlive what the files outlive, once something was written."""
        if not self.is_ours:
            os.utime(self.dir.events)  # its driver may have ended, and tables may have been made of what was there
        if self._is_settled:
            return
        for folder in (self.dir.events, self.dir.path, self.dir.path.parent):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                sync(fd)
            finally:
                os.close(fd)
        self._is_settled = True

    def let_go(self) -> None:
        """Holds it no longer: whoever looks sees what has no end as lost."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _begin(self, at: float, give_prices: Callable[[Path], None]) -> None:
        self.dir.path.mkdir(parents=True, exist_ok=True)
        self.dir.fill()
        if self.dir.plan.exists():
            return  # a recipe's: its driver holds it, and tells of it
        if not self.dir.pricing.exists():
            give_prices(self.dir.pricing)
        self._lock = self.dir.hold()
        if self._lock is None:
            return  # a program on this machine began it
        try:
            line = ManifestLine(self.dir.run_id, status="running")
            if not any(self.dir.events.iterdir()):
                line = msgspec.structs.replace(line, created_at=iso(at), started_at=iso(at))
            os.utime(self.dir.events)  # what was derived from its events is of yesterday
            manifest.append(OutputDir(self.dir.output), line)
        except OSError:
            self.let_go()
            raise
