"""Whose tokens they are: trackers that count per context, and services that only have counters for everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.events import CallEvent, CallKind
from taximeter.pricing.cost import EXACT
from taximeter.recorder import handles
from taximeter.recorder.buckets import TOKENS, Counted, TokenBucket
from taximeter.recorder.checks import count
from taximeter.recorder.claims import BY_HAND
from taximeter.recorder.guard import guarded
from taximeter.recorder.ratecards import cost_of
from taximeter.recorder.recording import NO_EVENT_ID, place, record_call, trace_here
from taximeter.redact import shown
from taximeter.usage import SUBSETS, Usage

if TYPE_CHECKING:
    from taximeter.pricing.sheet import Sheet
    from taximeter.recorder.spans import Span

Counters = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Tokens by kind of call (`llm`, `embedding`), model, and name of the count (`input_tokens`, `output_tokens`, ...)."""

_KINDS: tuple[CallKind, ...] = ("llm", "embedding")
_COUNTS = ("input_tokens", "output_tokens", *SUBSETS)


class TokenService(Protocol):
    """A client or a service that adds up what it uses, for everybody who uses it."""

    def token_counters(self) -> Counters:
        """Cumulative counts since it began, such as `{"llm": {"gpt-5": {"input_tokens": 1200, "output_tokens": 80}}}`.

        They grow, or begin again at 0.
        """
        ...


class TokenTracker:
    """Counts what one client uses. What it records belongs to the spans that are open in that context, and to no other.

    Many tasks and threads may share it; each record is a call of its own (`usage_source: tracker`).
    """

    def __init__(self) -> None:
        self._bucket = TokenBucket()

    def record_llm(self, model: str, input_tokens: int, output_tokens: int, **subsets: int) -> None:
        """Counts one LLM call; `subsets` are counts by their names in `Usage`. Never raises."""
        self._record("llm", model, {"input_tokens": input_tokens, "output_tokens": output_tokens, **subsets})

    def record_embedding(self, model: str, input_tokens: int) -> None:
        """Counts one embedding call. Never raises."""
        self._record("embedding", model, {"input_tokens": input_tokens})

    @guarded
    def _record(self, kind: CallKind, model: str, counts: Mapping[str, int]) -> None:
        usage = msgspec.convert({name: count(name, value) for name, value in counts.items()}, Usage)
        call = CallEvent(event_id=NO_EVENT_ID, kind=kind, model=model, usage=usage, usage_source="tracker")
        self._bucket.add(Counted(call))
        told = {"kind": kind, "model": model, "prompt_tokens": usage.input_tokens}
        if not BY_HAND.claim({**told, "completion_tokens": usage.output_tokens}, trace_here()):
            record_call(call)

    def token_counters(self) -> Counters:
        """Everything that it has recorded so far, recorder on or off."""
        return counters_of(self._bucket)


class ServiceMeter:
    """Turns growth of a service's counters into calls, once whenever an outermost span closes.

    What grew while outermost spans overlapped may be anybody's: it goes to the run, marked `attribution: shared`.
    """

    def __init__(self, service: TokenService) -> None:
        if not callable(getattr(service, "token_counters", None)):
            hint = "give it token_counters(), as taximeter.TokenService says"
            raise SetupError(Problem(f"{shown(service)} has no counters to read", hint))
        self.service = service
        self._mark: Counters | None = None
        """What was read last; None if nobody has looked yet in this process."""

        self._let_go()
        guarded(self._begin)()

    def _let_go(self) -> None:
        self._lock = threading.RLock()
        self._open = 0
        self._overlapped = False

    def in_child(self) -> None:
        """Takes it over in a forked child: its parent tells what was used before, and closes the spans that are open.

        The service is looked at when the child opens its first span: in the middle of a fork it may be locked.
        """
        self._let_go()
        self._mark = None

    def _begin(self) -> None:
        self._mark = snapshot_service(self.service)

    def opened(self) -> None:
        """An outermost span was opened."""
        with self._lock:
            self._open += 1
            self._overlapped |= self._open > 1
            if self._mark is None:
                guarded(self._begin)()

    def closed(self, span: Span) -> None:
        """An outermost span is about to be written."""
        with self._lock:
            self._open = max(self._open - 1, 0)
            overlapped, self._overlapped = self._overlapped, self._overlapped and self._open > 0
            guarded(self._read)(None if overlapped else span)

    def _read(self, span: Span | None) -> None:
        if isinstance(self.service, TokenTracker):
            return  # its records were calls already
        now = snapshot_service(self.service)
        mark, self._mark = self._mark, now
        used = {} if mark is None else diff(now, mark)
        for kind in _KINDS:
            for model, counts in used.get(kind, {}).items():
                usage = msgspec.convert(counts, Usage)
                shared = None if span else {"attribution": "shared"}
                call = CallEvent(
                    event_id=NO_EVENT_ID, kind=kind, model=model, usage=usage, usage_source="tracker", meta=shared
                )
                place(call, span)


class Snapshot(dict[str, Mapping[str, Mapping[str, int]]]):
    """Counters at one moment, and a bucket for what is recorded in this context from then on."""

    def __init__(self, counters: Counters, bucket: TokenBucket, of_service: bool) -> None:
        super().__init__(counters)
        self.bucket = bucket
        self.of_service = of_service


def snapshot(service: TokenService | None) -> Snapshot:
    """A handle on this moment."""
    foreign = service if service is not None and not isinstance(service, TokenTracker) else None
    counters: Counters = {kind: {} for kind in _KINDS} if foreign is None else snapshot_service(foreign)
    return Snapshot(counters, handles.push(), foreign is not None)


def finalize(
    after: Mapping[str, Any], before: Mapping[str, Any], sheet: Callable[[], Sheet]
) -> tuple[dict[str, int], dict[str, Decimal], str]:
    """Tokens, money and source of what was used between two handles; KeyError for a model without a price."""
    for handle in (after, before):
        handles.pop(handle.bucket if isinstance(handle, Snapshot) else None)
    used, source = _between(after, before), token_source(after, before)
    tokens = dict.fromkeys(TOKENS, 0)
    money = {"llm": Decimal(0), "embedding": Decimal(0)}
    for kind in _KINDS:
        for model, counts in used.get(kind, {}).items():
            money[kind] = EXACT.add(money[kind], cost_of(counts, model, kind, sheet()))
            for name, number in counts.items():
                tokens[name] = tokens.get(name, 0) + number
            if kind == "embedding":
                tokens["embedding_tokens"] += counts.get("input_tokens", 0)
    total = {**money, "total": EXACT.add(money["llm"], money["embedding"])}
    return {name: count for name, count in tokens.items() if count}, total, source


def token_source(after: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Where the counts between two handles come from: `calls`, `tracker`, `estimated`; `missing` if there are none."""
    if not _between(after, before):
        return "missing"
    if isinstance(before, Snapshot) and not before.of_service:
        return before.bucket.settle().source() or "missing"
    return "tracker"


def _between(after: Mapping[str, Any], before: Mapping[str, Any]) -> Counters:
    if isinstance(before, Snapshot) and not before.of_service:
        later = after.bucket if isinstance(after, Snapshot) else TokenBucket()
        return diff(counters_of(before.bucket), counters_of(later))
    return diff(after, before)


def snapshot_service(service: TokenService) -> Counters:
    """A copy of a service's counters, as whole numbers; names that are no counts of a `Usage` are left out."""
    counters = service.token_counters()
    return {
        kind: {
            str(model): {name: int(count) for name, count in counts.items() if name in _COUNTS}
            for model, counts in counters.get(kind, {}).items()
        }
        for kind in _KINDS
    }


def diff(after: Counters, before: Counters) -> Counters:
    """What was added, without what did not change. A count that is lower than it was began again at 0."""
    grown: dict[str, dict[str, dict[str, int]]] = {}
    for kind, models in after.items():
        for model, counts in models.items():
            known = before.get(kind, {}).get(model, {})
            began_again = any(count < known.get(name, 0) for name, count in counts.items())
            added = {name: count if began_again else count - known.get(name, 0) for name, count in counts.items()}
            if any(added.values()):
                grown.setdefault(kind, {})[model] = {name: count for name, count in added.items() if count}
    return grown


def counters_of(bucket: TokenBucket) -> Counters:
    """The sums of a bucket in the form of a service's counters."""
    counters: dict[str, dict[str, dict[str, int]]] = {kind: {} for kind in _KINDS}
    for (kind, model), totals in dict(bucket.settle().totals).items():
        counts = {name: getattr(totals, name, 0) for name in _COUNTS}
        counters[kind][model] = {name: count for name, count in counts.items() if count}
    return counters
