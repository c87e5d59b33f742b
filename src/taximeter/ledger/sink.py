"""Lines of a call sink, as any program may have written them, turned into events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec

from taximeter.events import META_TERMS, CallEvent, CallKind, CallStatus, Processing
from taximeter.journal.reader import UNREADABLE
from taximeter.usage import MAX_MONEY, NO_USAGE, OPEN_COUNTS, SUBSETS, Tokens, Usage, counts, violations

_subsets = attrgetter(*SUBSETS)
_open_counts = attrgetter(*OPEN_COUNTS)
_NO_SUBSETS = (None,) * len(SUBSETS)


class SinkCall(msgspec.Struct, gc=False, tag="instrumentation_call_v1", tag_field="schema_version"):
    """One call, in the words of a sink."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    kind: CallKind = "llm"
    provider: str | None = None
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    cached: bool = False
    request_ms: Annotated[float, msgspec.Meta(ge=0)] | None = None
    ttft_ms: Annotated[float, msgspec.Meta(ge=0)] | None = None
    tries: Annotated[int, msgspec.Meta(ge=1)] | None = None
    stream: bool | None = None
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

    def to_event(self, event_id: tuple[str, int], run_id: str, stage_id: str, attempt: int) -> CallEvent:
        """The call as an event of an attempt, named by the file and byte offset of its line."""
        usage, inconsistent = self._usage()
        return CallEvent(
            event_id,
            self.model,
            run_id,
            stage_id,
            attempt,
            self.kind,
            self.provider,
            self.response_model,
            usage,
            "missing" if usage == NO_USAGE else "user",
            self.inconsistent or inconsistent,
            self.cached,
            self.processing,
            self.service_tier,
            self.region,
            self.request_id,
            None if self.created_at is None else _seconds(self.created_at),
            self.request_ms,
            self.cost,
            "sink",
            self.tags,
            None if self.speed is None and self.inference_geo is None else self._terms(),
            self.status,
            tries=self.tries,
            stream=self.stream,
            ttft_ms=self.ttft_ms,
        )

    def _usage(self) -> tuple[Usage, tuple[str, ...]]:
        """What was used, and why it cannot all be true."""
        subsets, named = _subsets(self), _open_counts(self)
        if subsets == _NO_SUBSETS and not any(named):
            return Usage(self.prompt_tokens, self.completion_tokens), ()
        open_counts = [counts(told) if told else () for told in named]
        usage = Usage(self.prompt_tokens, self.completion_tokens, *subsets, *open_counts)
        return usage, violations(usage)

    def _terms(self) -> dict[str, Any]:
        return {name: value for name in META_TERMS if (value := getattr(self, name)) is not None}


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


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


@cache
def _decoder() -> msgspec.json.Decoder[SinkRecord]:
    """Made at the first line: a run without calls does not wait for it."""
    return msgspec.json.Decoder(SinkRecord)


def read_records(data: bytes) -> list[SinkRecord | Torn]:
    """What stands in a line: one record, as a rule.

    If somebody died in the middle of a line, the next writer's record follows on the same line: it is found behind the
    stump. What is whole and no record of a sink is a rejected one, with the reason.
    """
    try:
        return [_decoder().decode(data)]
    except UNREADABLE as error:
        for begin in islice(_openings(data), _MOST_STUMPS):
            try:
                return [Torn(), _decoder().decode(data[begin:])]
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
