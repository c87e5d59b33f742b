"""What was sent together, and what becomes of it."""

from __future__ import annotations

from asyncio import Future

import msgspec

from taximeter.events import Event, SpanEvent
from taximeter.web.collect.check import UnfitError, read_event
from taximeter.web.collect.run import Run
from taximeter.web.collect.shelf import Shelf
from taximeter.web.collect.stream import Stream
from taximeter.web.collect.verdict import Rejection, Verdict


class Waiting(msgspec.Struct):
    """The processes of one run of which lines wait to be written."""

    shelf: Shelf
    processes: set[str]


Dirty = dict[Run, Waiting]


class Batch:
    """Lines of one request. They are told apart when they are written: until then they take no more than they are."""

    def __init__(self, shelf: Shelf, body: bytes, answer: Future[Verdict]) -> None:
        self.shelf = shelf
        self.size = len(body)
        """Bytes."""

        self.answer = answer
        self.verdict = Verdict(rejected=[])
        self.events: list[Event] = []
        """Those that are accepted."""

        self.again: dict[Stream, dict[int, list[bytes]]] = {}
        """Those that were taken before, by their numbers."""

        self.runs: dict[str, Run] = {}
        """What is written to, by the names of their directories."""

        self._body = body

    @property
    def lines(self) -> int:
        """How many there are, of those that have an end."""
        return self._body.count(b"\n")

    def take(self, dirty: Dirty) -> None:
        """Hands each event to the stream in which it belongs. OSError if that cannot be read or made."""
        run_id: str | None = None
        process: str | None = None
        lines, self._body = self._body.split(b"\n"), b""
        for index, line in enumerate(map(bytes.strip, lines)):
            if not line:
                continue
            try:
                event = read_event(line)
            except UnfitError as error:
                self.verdict.rejected.append(Rejection(index, error.status, str(error), error.event_id))
                continue
            sender, seq = event.event_id
            if event.run_id != run_id or sender != process:
                run_id, process = event.run_id, sender
                run = self._run_of(event, process, dirty)
                stream = self.shelf.stream(run, process, Stream)
            if stream.take(seq, line):
                self.events.append(event)
                if isinstance(event, SpanEvent):
                    run.note(event)
            else:
                self.verdict.duplicate += 1
                self.again.setdefault(stream, {}).setdefault(seq, []).append(line)
        self.verdict.accepted = len(self.events)

    def _run_of(self, event: Event, process: str, dirty: Dirty) -> Run:
        """The run in which an event of this process is to be written."""
        run = self.shelf.run(event)
        self.runs[run.dir.run_id] = run
        if run not in dirty:
            dirty[run] = Waiting(self.shelf, set())
        dirty[run].processes.add(process)
        return run
