"""What a span used so far: totals that many threads may add to, and that no signal handler or fork can lock up."""

from __future__ import annotations

import threading
from collections import deque
from decimal import Decimal
from typing import Literal

import msgspec

from taximeter.events import CallEvent, SpanEvent
from taximeter.pricing.cost import EXACT, Cost
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Sheet
from taximeter.recorder.guard import guarded
from taximeter.recorder.instance import RECORDER
from taximeter.totals import NOTHING, Totals

_FOLD_AT = 64
_NO_MONEY = Decimal(0)
TokenSource = Literal["calls", "tracker", "estimated", "missing"]


NOT_ASKED = Cost(None, "", "unpriced", "nobody asked for the price")


class Counted(msgspec.Struct, gc=False):
    """A call that is to be added up, and the prices for it: it is priced when that is done, many calls at once, which
    takes a third of what each would right after its answer."""

    call: CallEvent
    prices: Sheet | None = None
    """None if nobody asks for its price."""

    _totals: Totals | None = None

    def totals(self) -> Totals:
        """What it adds, to each of the spans around it."""
        if self._totals is None:
            self._totals = Totals.of(self.call, NOT_ASKED if self.prices is None else price(self.call, self.prices))
        return self._totals


class TokenBucket:
    """Sums of the calls that were recorded while it was open, by model."""

    __slots__ = ("_folding", "_lock", "_process", "_waiting", "items", "sources", "totals")

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str], Totals] = {}
        """Totals by kind of call and model."""

        self.sources: set[str] = set()
        """`usage_source` of the calls."""

        self.items: dict[str, int] = {}
        """Units of work by direction."""

        self._waiting: deque[Counted | tuple[str, int]] = deque()
        self._let_go()

    def _let_go(self) -> None:
        self._process = RECORDER.process
        self._lock = threading.RLock()
        self._folding = False

    def _own(self) -> None:
        """Takes it over in a forked child: the thread that was adding up may not be there."""
        if self._process is not RECORDER.process:
            self._let_go()

    def add(self, what: Counted | tuple[str, int]) -> None:
        """Adds one call, or some units of work; never waits."""
        self._waiting.append(what)
        if len(self._waiting) < _FOLD_AT:
            return
        self._own()
        if self._lock.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._lock.release()

    def settle(self) -> TokenBucket:
        """The bucket with all that was added so far in its sums."""
        self._own()
        with self._lock:
            self._fold()
        return self

    def _fold(self) -> None:
        if self._folding:  # a signal handler in the middle of it: what waits is taken further up this very stack
            return
        self._folding = True
        try:
            while self._waiting:
                self._take(self._waiting.popleft())
        finally:
            self._folding = False

    def _take(self, what: Counted | tuple[str, int]) -> None:
        if isinstance(what, tuple):
            direction, count = what
            self.items[direction] = self.items.get(direction, 0) + count
            return
        call = what.call
        key = call.kind, call.model
        self.totals[key] = self.totals.get(key, NOTHING) + what.totals()
        self.sources.add(call.usage_source)

    def tokens(self) -> dict[str, int]:
        """Counts that are not 0: of all calls, and among them `embedding_tokens`."""
        whole = sum(self._parts(), NOTHING)
        return {name: count for name in TOKENS if (count := getattr(whole, name))}

    def cost_usd(self) -> dict[str, Decimal] | None:
        """Money of LLM calls, of embedding calls, and of both; None if none of it is known."""
        known = {kind: self._money(kind) for kind in ("llm", "embedding")}
        if all(amount is None for amount in known.values()):
            return None
        amounts = {kind: _NO_MONEY if amount is None else amount for kind, amount in known.items()}
        return {**amounts, "total": EXACT.add(amounts["llm"], amounts["embedding"])}

    def _money(self, kind: str) -> Decimal | None:
        return sum(self._parts(kind), NOTHING).cost

    def _parts(self, *kinds: str) -> tuple[Totals, ...]:
        """Those of calls of these kinds, or of all: a copy, since another thread may add a model meanwhile."""
        return tuple(totals for (kind, _), totals in tuple(self.totals.items()) if not kinds or kind in kinds)

    def model(self, kind: str) -> str | None:
        """The model of the calls of a kind; of several the one that was called first."""
        return next((model for of, model in tuple(self.totals) if of == kind), None)

    def source(self) -> TokenSource | None:
        """Where the counts come from; None if there are no calls."""
        if not self.totals:
            return None
        if self.sources == {"missing"}:
            return "missing"
        return next((source for source in _SURENESS if source in self.sources), "calls")


_SURENESS: tuple[Literal["estimated", "tracker"], ...] = ("estimated", "tracker")
"""The least sure source of a mixture names it."""

TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "tool_use_input_tokens",
    "reasoning_output_tokens",
    "embedding_tokens",
)
"""Names of the counts in `SpanEvent.tokens`."""


@guarded
def add_tokens(event: SpanEvent, bucket: TokenBucket) -> None:
    """Lets the event of a span tell what was used in it."""
    bucket.settle()
    event.llm_model, event.embed_model = bucket.model("llm"), bucket.model("embedding")
    event.tokens = bucket.tokens() or None
    event.cost_usd = bucket.cost_usd()
    event.token_source = bucket.source()
    event.items_in, event.items_out = bucket.items.get("in"), bucket.items.get("out")
