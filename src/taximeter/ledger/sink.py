"""Lines of a call sink, as any program may have written them, turned into events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from typing import Annotated, Literal

import msgspec

from taximeter.events import META_TERMS, CallEvent, CallKind, CallStatus, Processing
from taximeter.journal.reader import UNREADABLE, Line
from taximeter.usage import MAX_MONEY, NO_USAGE, OPEN_COUNTS, SUBSETS, Tokens, Usage, counts, violations

_subsets = attrgetter(*SUBSETS)
_open_counts = attrgetter(*OPEN_COUNTS)


class SinkCall(msgspec.Struct, tag="instrumentation_call_v1", tag_field="schema_version"):
    """One call, in the words of a sink."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    kind: CallKind = "llm"
    provider: str | None = None
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    cached: bool = False
    request_ms: Annotated[float, msgspec.Meta(ge=0)] | None = None
    request_id: str | None = None
    status: CallStatus = "done"
    cost: Decimal | None = None
    stage_id: str | None = None
    run_id: str | None = None
    created_at: datetime | None = None
    response_model: str | None = None
    processing: Processing = "sync"
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    region: str | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None
    tool_use_input_tokens: Tokens | None = None
    reasoning_output_tokens: Tokens | None = None
    text_input_tokens: Tokens | None = None
    image_input_tokens: Tokens | None = None
    audio_input_tokens: Tokens | None = None
    video_input_tokens: Tokens | None = None
    text_output_tokens: Tokens | None = None
    image_output_tokens: Tokens | None = None
    audio_output_tokens: Tokens | None = None
    video_output_tokens: Tokens | None = None
    text_cache_read_input_tokens: Tokens | None = None
    image_cache_read_input_tokens: Tokens | None = None
    audio_cache_read_input_tokens: Tokens | None = None
    video_cache_read_input_tokens: Tokens | None = None
    cache_write_by_ttl: dict[str, Tokens] | None = None
    counters: dict[str, Tokens] | None = None
    inconsistent: tuple[str, ...] | None = None
    tags: dict[str, str] | None = None

    def __post_init__(self) -> None:
        if self.cost is not None and not 0 <= self.cost <= MAX_MONEY:  # not a number is refused, too
            raise ValueError(f"cost must be from 0 to {MAX_MONEY}")
        if self.created_at is not None and not _FIRST_YEAR <= self.created_at.year <= _LAST_YEAR:
            raise ValueError(f"created_at must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")

    def to_event(self, source: str, line: Line) -> CallEvent:
        """The call as an event, named by its file and byte offset."""
        given = self.created_at
        at = None if given is None else (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
        usage = Usage(
            self.prompt_tokens,
            self.completion_tokens,
            *_subsets(self),
            *[counts(told) if told else () for told in _open_counts(self)],
        )
        return CallEvent(
            event_id=(source, line.offset),
            run_id=self.run_id,
            stage_id=self.stage_id,
            kind=self.kind,
            provider=self.provider,
            model=self.model,
            response_model=self.response_model,
            usage=usage,
            usage_source="missing" if usage == NO_USAGE else "user",
            inconsistent=self.inconsistent or violations(usage),
            cached=self.cached,
            status=self.status,
            request_id=self.request_id,
            started_at=at,
            request_ms=self.request_ms,
            provider_cost=self.cost,
            processing=self.processing,
            service_tier=self.service_tier,
            region=self.region,
            meta={name: value for name in META_TERMS if (value := getattr(self, name)) is not None} or None,
            captured_by="sink",
            tags=self.tags,
        )


class SinkItems(msgspec.Struct, tag="instrumentation_items_v1", tag_field="schema_version"):
    """Units of work that a stage read or made."""

    items: Tokens
    direction: Literal["in", "out"] = "out"


class SinkRejected(msgspec.Struct, tag="instrumentation_rejected_v1", tag_field="schema_version"):
    """A call whose figures could not be true."""

    reason: str = "no reason given"


class Torn(msgspec.Struct):
    """A line whose writer died in the middle."""


SinkRecord = SinkCall | SinkItems | SinkRejected

_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_MOST_STUMPS = 64
_decoder = msgspec.json.Decoder(SinkRecord)


def read_records(data: bytes) -> list[SinkRecord | Torn]:
    """What stands in a line: one record, as a rule.

    If somebody died in the middle of a line, the next writer's record follows on the same line: it is found behind the
    stump. What is whole and no record of a sink is a rejected one, with the reason.
    """
    try:
        return [_decoder.decode(data)]
    except UNREADABLE as error:
        for begin in islice(_openings(data), _MOST_STUMPS):
            try:
                return [Torn(), _decoder.decode(data[begin:])]
            except UNREADABLE:
                continue
        return [Torn() if _is_stump(data) else SinkRejected(str(error))]


def _openings(data: bytes) -> Iterator[int]:
    begin = data.find(b'{"', 1)
    while begin >= 0:
        yield begin
        begin = data.find(b'{"', begin + 1)


def _is_stump(data: bytes) -> bool:
    """Whether a line is the beginning of something, and not something whole that is wrong."""
    try:
        msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except UNREADABLE:
        return False
    return False
