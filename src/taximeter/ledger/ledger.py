"""Folds what a run has written so far into spans and totals: each line once, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from taximeter.events import CallEvent, SpanEvent
from taximeter.journal.reader import RESERVED, UNREADABLE, Line, LineReader
from taximeter.journal.short import EventReader
from taximeter.journal.writer import OPEN_SUFFIX
from taximeter.ledger.callsums import CallSums
from taximeter.ledger.local import LocalStage
from taximeter.ledger.seen import Seen
from taximeter.ledger.sink import SinkCall, SinkItems, SinkRejected, Torn, read_records
from taximeter.ledger.spansums import SpanSums
from taximeter.ledger.timeline import MOST_SPANS, Timeline
from taximeter.pricing.sheet import Sheet
from taximeter.rundir import RunDir

_SLICE = 10_000
"""Lines that are taken in about a tenth of a second."""

_SAID_BY_MANY = ("run_id", "trace_id", "parent_id", "parent_span", "stage_id", "stage", "span", "folder", "node")
_NOT_TRIED = ("skipped", "reused")
_MOST_REASONS = 20
_LONGEST_REASON = 200


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try of one stage, or of a shard of it."""

    stage_id: str
    number: int
    shard: int | None = None


class StageSpans(msgspec.Struct):
    """The spans of one stage."""

    latest: SpanEvent
    """The last word on it: of an attempt, or that it was skipped or reused."""

    attempts: list[SpanEvent] = []
    """Latest span of each attempt, in order."""

    outcome: SpanEvent | None = None
    """The last word of those that say what became of its artifact: that it was tried or reused."""

    shards: dict[int, list[SpanEvent]] = {}
    """Latest span of each attempt of each shard, in order. What all shards did together is an attempt of the stage."""

    @property
    def last_attempt(self) -> int:
        """Number of the latest attempt; 0 if there was none."""
        return _number(self.attempts[-1]) if self.attempts else 0


class SinkReader(msgspec.Struct):
    """The sink of an attempt, as far as it was read."""

    attempt: Attempt
    name: str
    """Names the file in the identity of its lines."""

    lines: LineReader
    began: float
    """When the attempt began."""


class _JournalReader:
    def __init__(self, path: Path) -> None:
        self.lines = LineReader(path, end=RESERVED)
        self.events = EventReader()


class Ledger:
    """The books of one run. `poll` takes what is new; the figures are right for all that was taken.

    `folders` maps stage ids to their folders. `limit` is how many calls are kept for each stage; None is all.
    `priced_as` gives the call that is priced and counted in place of the one that was made.
    """

    def __init__(
        self,
        run: RunDir,
        sheet: Sheet,
        folders: Mapping[str, str],
        limit: int | None,
        priced_as: Callable[[CallEvent], CallEvent] | None = None,
    ) -> None:
        self.spans: dict[str, SpanEvent] = {}
        """Latest record of each run, process and stage of a driver, by span id."""

        self.local: dict[str, LocalStage] = {}
        """Stages that programs named themselves, by stage id."""

        self.calls = CallSums(sheet, limit, priced_as)
        self.span_timeline: Timeline = Timeline(MOST_SPANS)
        """When the spans inside processes ran, and the stages that programs name themselves."""

        self.regions = SpanSums()
        """What the spans inside stages took."""

        self.items: Counter[tuple[Attempt, str]] = Counter()
        """Work that stages told of, by attempt and direction."""

        self.losses: Counter[str] = Counter()
        """What was lost or is doubtful: `rejected` and `torn` lines."""

        self.reasons: Counter[str] = Counter()
        """Why lines were rejected; the first few reasons."""

        self._run = run
        self._run_id = run.run_id
        self._folders = folders
        self._journals: dict[str, _JournalReader] = {}
        self._sinks: dict[Attempt, SinkReader] = {}
        self._seen: dict[str, Seen] = {}
        self._texts: dict[str, str] = {stage_id: stage_id for stage_id in folders}
        """Each once, of those that thousands of spans say."""

    def poll(self) -> None:
        """Takes all whole lines that were written since the last time."""
        self._poll(None)

    def poll_some(self) -> None:
        """Takes at most so many lines of each sink that nobody has to wait; the rest at the next time."""
        self._poll(_SLICE)

    def _poll(self, most: int | None) -> None:
        for path in self._run.journals():
            self._read_journal(path)
        for reader in list(self._sinks.values()):
            self._read_sink(reader, most)

    def finish(self) -> None:
        """Takes what is left when nobody writes any more: a last line needs no newline then."""
        self.poll()
        for reader in list(self._sinks.values()):
            self._close_sink(reader)
        for journal in self._journals.values():
            if journal.lines.tail() is not None:
                self.losses["torn"] += 1

    def sittings(self) -> list[SpanEvent]:
        """The span of each driver that has worked on this run, the first one first."""
        return sorted((span for span in self.spans.values() if span.kind == "run"), key=_sitting)

    def processes(self) -> list[SpanEvent]:
        """Latest span of each process that recorded itself, in the order in which they began."""
        return sorted((span for span in self.spans.values() if span.kind == "process"), key=lambda s: s.started_at)

    def stages(self) -> dict[str, StageSpans]:
        """What is known of each stage that was tried, skipped or reused."""
        order = {span.span_id: number for number, span in enumerate(self.sittings())}
        of_stages = [span for span in self.spans.values() if span.kind == "stage"]
        of_stages.sort(key=lambda span: (order.get(span.parent_id or "", 0), span.seq))
        found: dict[str, StageSpans] = {}
        for span in of_stages:
            if span.stage_id is not None:
                spans = found.setdefault(span.stage_id, StageSpans(span))
                if span.shard is not None:
                    spans.shards.setdefault(span.shard, []).append(span)
                    continue
                spans.latest = span
                if span.status not in _NOT_TRIED:
                    spans.attempts.append(span)
                if span.status != "skipped":
                    spans.outcome = span
        for spans in found.values():
            for attempts in (spans.attempts, *spans.shards.values()):
                attempts.sort(key=_number)
        return found

    # -- journals -----------------------------------------------------------------------------------------------------

    def _read_journal(self, path: Path) -> None:
        name = str(path).removesuffix(OPEN_SUFFIX)
        reader = self._journals.get(name) or self._journals.setdefault(name, _JournalReader(path))
        reader.lines.path = path  # it loses its `.open` when its process closes it
        for line in reader.lines.lines():
            if line.data.strip():
                self._take_event(reader.events, line)

    def _take_event(self, events: EventReader, line: Line) -> None:
        try:
            event = events.event(line.data)
        except msgspec.ValidationError as error:
            self._reject(str(error))
            return
        except UNREADABLE:
            self.losses["torn"] += 1
            return
        process, seq = event.event_id
        seen = self._seen.get(process) or self._seen.setdefault(process, Seen())
        if not seen.is_new(seq):
            return  # a second delivery
        if isinstance(event, CallEvent):
            self.calls.take(event)
        elif event.kind != "span":
            self._take_span(event)
        else:
            self._take_region(event)

    def _take_region(self, span: SpanEvent) -> None:
        """Takes a span inside a stage; there is one record of each."""
        self.regions.take(span)
        self.span_timeline.take_span(span)

    def _take_span(self, span: SpanEvent) -> None:
        if span.kind == "stage" and span.folder is None and span.stage_id is not None:
            local = self.local.get(span.stage_id) or self.local.setdefault(span.stage_id, LocalStage.of(span))
            local.take(span)
            self._take_local(span)
            return
        known = self.spans.get(span.span_id)
        if known is not None and known.event_id[0] == span.event_id[0] and known.seq > span.seq:
            return
        for name in _SAID_BY_MANY:
            if (text := getattr(span, name)) is not None:
                setattr(span, name, self._texts.setdefault(text, text))
        self.spans[span.span_id] = span
        folder = span.folder or self._folders.get(span.stage_id or "")
        if span.kind == "stage" and span.stage_id is not None and span.attempt is not None and folder is not None:
            attempt = Attempt(span.stage_id, span.attempt, span.shard)
            sink = self._run.stage(folder).sink(attempt.number)
            fresh = SinkReader(attempt, f"{folder}/{sink.name}", LineReader(sink), span.started_at)
            reader = self._sinks.setdefault(attempt, fresh)
            if span.ended_at is not None:
                self._read_sink(reader, None)
                self._close_sink(reader)

    def _take_local(self, span: SpanEvent) -> None:
        """Takes a stage that a program named itself, once when it begins and once when it ends."""
        self.span_timeline.take_span(span)

    # -- sinks --------------------------------------------------------------------------------------------------------

    def _read_sink(self, reader: SinkReader, most: int | None) -> None:
        for line in islice(reader.lines.lines(), most):
            if line.data.strip():
                self._take_line(reader, line)

    def _close_sink(self, reader: SinkReader) -> None:
        tail = None if reader.lines.is_missing else reader.lines.tail()
        if tail is not None:
            self._take_line(reader, tail)
        if reader.lines.is_strange:
            self._reject("the sink is not a file that can be read")
        del self._sinks[reader.attempt]

    def _take_line(self, reader: SinkReader, line: Line) -> None:
        attempt = reader.attempt
        for record in read_records(line.data):
            match record:
                case SinkCall():
                    of = record.stage_id if record.stage_id in self._folders else None
                    event = record.to_event(
                        (reader.name, line.offset), self._run_id, of or attempt.stage_id, attempt.number
                    )
                    event.shard = attempt.shard
                    self.calls.take(event, reader.began)
                case SinkItems():
                    self.items[attempt, record.direction] += record.items
                case SinkRejected():
                    self._reject(record.reason)
                case Torn():
                    self.losses["torn"] += 1

    def _reject(self, reason: str) -> None:
        self.losses["rejected"] += 1
        reason = reason[:_LONGEST_REASON]
        if reason in self.reasons or len(self.reasons) < _MOST_REASONS:
            self.reasons[reason] += 1


def last_attempts(stages: Mapping[str, StageSpans]) -> dict[tuple[str, int | None], int]:
    """Number of the latest attempt of each stage and of each shard of one, by its id and the number of the shard."""
    last: dict[tuple[str, int | None], int] = {
        (stage_id, None): spans.last_attempt for stage_id, spans in stages.items()
    }
    for stage_id, spans in stages.items():
        last |= {(stage_id, shard): _number(tries[-1]) for shard, tries in spans.shards.items()}
    return last


def _sitting(span: SpanEvent) -> int:
    return span.attempt or 1


def _number(span: SpanEvent) -> int:
    return span.attempt or 0
