"""The one thread that writes what arrives: all that waits is one group, and each file is written once a group."""

from __future__ import annotations

import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from taximeter.web.collect.batch import Batch, Dirty, Waiting
from taximeter.web.collect.keeper import Keeper
from taximeter.web.collect.run import Run
from taximeter.web.collect.shelf import Shelf
from taximeter.web.collect.verdict import RefusedError

_GROUP, _GROUP_BYTES = 64, 32 << 20
"""Batches that are written together at most: what is in them takes several times as much meanwhile."""

_TICK = 0.5
"""Seconds between two looks at runs of which nothing comes."""

_TROUBLE = 5
"""Seconds after which a sender may try again when the disk does not take anything."""


class Writer:
    """Writes batches to the directories of their runs, and answers once they are there.

    `sync` is called with the descriptor of each file that was written: `os.fdatasync` puts it on the disk, so that it
    outlives a loss of power; without it is the kernel's, and outlives this process.
    """

    def __init__(self, loop: AbstractEventLoop, shelves: list[Shelf], keeper: Keeper, sync: Callable[[int], None]):
        self._loop = loop
        self._shelves = shelves
        self._keeper = keeper
        self._sync = sync
        self._inbox: SimpleQueue[Batch | None] = SimpleQueue()
        self._group: list[Batch] = []
        self._thread = threading.Thread(target=self._work, name="taximeter-collector", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it writes."""
        return self._thread.is_alive()

    def put(self, batch: Batch) -> None:
        """Takes a batch to be written."""
        self._inbox.put(batch)

    def close(self) -> None:
        """Writes what waits, and lets all runs go."""
        self._inbox.put(None)
        self._thread.join()

    def _work(self) -> None:
        due = 0.0
        while self._next_group():
            if self._group:
                self._write(self._group)
            if time.monotonic() >= due:
                for shelf in self._shelves:
                    self._keeper.look(shelf)
                due = time.monotonic() + _TICK
        for shelf in self._shelves:
            shelf.close()

    def _next_group(self) -> bool:
        """Takes all that waits; false at the end."""
        self._group = []
        try:
            batch = self._inbox.get(timeout=_TICK)
            size = 0
            while batch is not None:
                self._group.append(batch)
                size += batch.size
                if len(self._group) == _GROUP or size >= _GROUP_BYTES:
                    return True
                batch = self._inbox.get_nowait()
        except Empty:
            return True
        if self._group:
            self._inbox.put(None)  # once more, after these
            return True
        return False

    def _write(self, group: list[Batch]) -> None:
        dirty: Dirty = {}
        troubles: dict[Batch, OSError] = {}
        for batch in group:
            try:
                batch.take(dirty)
            except OSError as error:
                troubles[batch] = error
        failed = {run: trouble for run, waiting in dirty.items() if (trouble := self._append(run, waiting))}
        for batch in group:
            for run_id, run in batch.runs.items():
                if run in failed:
                    troubles[batch] = failed[run]
                    if batch.shelf.runs.get(run_id) is run:
                        batch.shelf.forget(run_id)  # it knows of events that are not there
                elif batch.shelf.runs.get(run_id) is run:
                    batch.shelf.touch(run_id)
        self._loop.call_soon_threadsafe(_answer, group, troubles)
        for batch in group:
            if batch not in troubles:
                self._count(batch)
        for shelf in self._shelves:
            shelf.tidy()

    def _append(self, run: Run, waiting: Waiting) -> OSError | None:
        try:
            for process in waiting.processes:
                stream = run.streams[process]
                if stream.waits:
                    self._sync(stream.write())
                    waiting.shelf.weigh(stream)
            run.settle(self._sync)
        except OSError as error:
            return error
        return None

    def _count(self, batch: Batch) -> None:
        counts = batch.shelf.counts
        counts.take(batch.events)
        counts.duplicate += batch.verdict.duplicate
        counts.rejected.update(rejection.status for rejection in batch.verdict.rejected)
        for stream, lines in batch.again.items():
            with suppress(OSError):  # somebody deletes the run
                counts.conflicting += stream.differ(lines)


def _answer(group: list[Batch], troubles: dict[Batch, OSError]) -> None:
    for batch in group:
        if batch.answer.done():  # who asked has gone
            continue
        if batch in troubles:
            reason = f"the events cannot be written: {troubles[batch].strerror}"
            batch.answer.set_exception(RefusedError(503, reason, _TROUBLE))
        else:
            batch.answer.set_result(batch.verdict)
