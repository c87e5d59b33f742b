"""Sends what is new in a folder of runs to a warehouse, again and again: what a collector does with what it gets."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from threading import Event

import msgspec

from taximeter.errors import RunDirError, SetupError
from taximeter.journal.reader import UNREADABLE
from taximeter.journal.writer import OPEN_SUFFIX
from taximeter.query.warehouse.connect import Warehouse, told
from taximeter.query.warehouse.migrate import migrate
from taximeter.query.warehouse.ship import FactsOf, Shipment
from taximeter.rundir import SHARDS, OutputDir, RunDir

_LEAST = 2.0
"""Seconds between two looks; more if a look takes long: never more than a quarter of the time."""

_SHARE = 4
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds until a warehouse that is away is tried again: doubled each time."""

_MOST = 64
"""Runs that are kept open to be sent piece by piece; any other is sent anew as a whole when it has changed."""

_THERE = "SELECT run_id, seq FROM runs FINAL WHERE status <> 'running'"


_Changes = tuple[tuple[int, int], ...]


class _Mark(msgspec.Struct, frozen=True):
    """How a run stands; if it stands the same at the next look, there is nothing to send."""

    held: bool
    """Somebody works on it."""

    made_from: tuple[tuple[int, int], ...]
    """Which plan and which prices."""

    files: tuple[tuple[str, int, int], ...]
    """Name, size and time of the last change of each file that tells something."""

    @property
    def size(self) -> int | None:
        """Bytes of all events, as a shipment counts them; None while journals have room reserved."""
        if any(name.endswith(OPEN_SUFFIX) for name, _, _ in self.files):
            return None
        return sum(size for name, size, _ in self.files if name.endswith(".jsonl"))


class _Sending(msgspec.Struct, frozen=True):
    shipment: Shipment
    made_from: tuple[tuple[int, int], ...]


class Followed(msgspec.Struct, frozen=True):
    """How it goes."""

    rows: dict[str, int]
    """Sent so far, by table; what was sent again counts again."""

    waiting: int
    """Runs that have changed and are not sent."""

    trouble: str | None
    """Why nothing can be sent now; None if all is well."""


class Follower:
    """Keeps a warehouse up to date with a folder. One thread calls `run`; any may read `state`.

    `connect` opens the warehouse; it is opened anew after each trouble. `tell` is told of a trouble once, and with None
    that it is over. What was sent before this began, the warehouse itself knows; what is sent twice changes nothing.
    """

    def __init__(
        self,
        output: OutputDir,
        connect: Callable[[], AbstractContextManager[Warehouse]],
        facts_of: FactsOf,
        tell: Callable[[SetupError | None], object],
    ) -> None:
        self.state = Followed({}, 0, None)
        self._output = output
        self._connect = connect
        self._facts_of = facts_of
        self._tell = tell
        self._rows: Counter[str] = Counter()
        self._sent: dict[str, _Mark] = {}
        self._quiet: dict[str, _Changes] = {}
        """When something had changed last in runs that nobody works on, and that have stood still since: there may be
        thousands of them, and not each of their files is looked at each time."""

        self._there: dict[str, int] = {}
        """Bytes of each run that had ended when it was sent, by run id, as the warehouse knows."""

        self._sendings: OrderedDict[str, _Sending] = OrderedDict()
        self._open = ExitStack()
        self._warehouse: Warehouse | None = None

    def run(self, stop: Event) -> None:
        """Looks until it is told to stop. What is not sent by then is sent the next time that somebody follows."""
        wait = _FIRST_WAIT
        while not stop.is_set():
            begin = time.monotonic()
            if self.look():
                wait = _FIRST_WAIT
                stop.wait(max(_LEAST, _SHARE * (time.monotonic() - begin)))
            else:
                stop.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
        self.close()

    def look(self) -> bool:
        """Sends what has changed since the last look; false if the warehouse did not take it."""
        changed = list(self._changed())
        error = None
        try:
            while changed:
                self._send(*changed[-1])
                changed.pop()
        except SetupError as refused:
            error = refused
            self.close()
        trouble = str(error) if error else None
        if trouble != self.state.trouble:
            self._tell(error)
        self.state = Followed(dict(self._rows), len(changed), trouble)
        return error is None

    def close(self) -> None:
        """Lets go of the warehouse; what was half sent is sent anew as a whole."""
        self._sendings.clear()
        self._warehouse = None
        self._open.close()

    def _changed(self) -> Iterator[tuple[RunDir, _Mark]]:
        try:
            names = sorted(entry.name for entry in self._output.runs.iterdir() if entry.is_dir())
        except FileNotFoundError:
            return
        for name in names:
            run = self._output.run(name)
            changes = _changes(run)
            if self._quiet.get(name) == changes:
                continue
            mark = _mark(run)
            # The size of a journal with reserved room says nothing, nor does its time: it is mapped.
            if mark.files and (self._sent.get(name) != mark or (mark.held and mark.size is None)):
                yield run, mark
            elif not mark.held:
                self._quiet[name] = changes

    def _send(self, run: RunDir, mark: _Mark) -> None:
        warehouse = self._opened()
        sending = self._sendings.pop(run.run_id, None)
        is_there = not mark.held and mark.size is not None and self._there.pop(run.run_id, None) == mark.size
        try:
            if sending is None or sending.made_from != mark.made_from:
                sending = _Sending(Shipment(run, warehouse, self._facts_of), mark.made_from)
            if not is_there:
                self._rows.update(sending.shipment.send())
        except (RunDirError, OSError, ValueError, *UNREADABLE):  # tried again once something in it has changed
            self._sent[run.run_id] = mark
            return
        self._sent[run.run_id] = mark
        if mark.held:
            self._sendings[run.run_id] = sending
            if len(self._sendings) > _MOST:
                self._sendings.popitem(last=False)

    def _opened(self) -> Warehouse:
        if self._warehouse is None:
            warehouse = self._open.enter_context(self._connect())
            migrate(warehouse)
            with told(warehouse.address):
                rows = warehouse.query(_THERE).result_rows
            self._there = dict(rows)
            self._warehouse = warehouse
        return self._warehouse


def _changes(run: RunDir) -> _Changes:
    """Whoever goes on with a run makes a new file of events, or says by the time of their folder that he does."""
    return _stat(run.events), _stat(run.plan), _stat(run.pricing)


def _mark(run: RunDir) -> _Mark:
    figures = (path for at in ("*", f"*/{SHARDS}/*") for path in run.path.glob(f"{at}/usage.*.json"))
    files = [*run.journals(), *run.sinks(), *figures]
    told = ((str(path.relative_to(run.path)), *_stat(path)) for path in files)
    return _Mark(run.is_held(), (_stat(run.plan), _stat(run.pricing)), tuple(told))


def _stat(path: Path) -> tuple[int, int]:
    """Size and time of the last change; zeros if there is none."""
    try:
        about = path.stat()
    except OSError:
        return 0, 0
    return about.st_size, about.st_mtime_ns
