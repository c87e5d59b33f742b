"""Calls that hooks have seen, and that the program may tell of once more by hand: that is no second call.

What is told by hand stands for a call that was captured in the same trace, or where one of both is in none, if it has
the id of its request or answer, or its model and counts; each captured call can be claimed once.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from time import perf_counter
from typing import Any

import msgspec

from taximeter.events import CallEvent

_MOST = 4096
"""Captured calls of one generation; the last two generations are remembered."""

Key = tuple[object, ...]


class _Seen(msgspec.Struct, gc=False):
    """One captured call."""

    call: CallEvent
    trace_id: str | None
    is_claimed: bool = False


class _Generation:
    """Captured calls that followed each other. Most programs tell nothing by hand: so a call is only put down here, and
    what it may be known by is worked out when somebody asks."""

    def __init__(self) -> None:
        self.seen: list[_Seen] = []
        self._by_key: dict[Key, list[_Seen]] = {}
        self._sorted = 0
        """How many of the calls surely are in their places."""

    def __bool__(self) -> bool:
        return bool(self.seen)

    def get(self, key: Key) -> list[_Seen] | None:
        """The calls that may be known by this. Two threads may sort in one call twice, and none leaves one out."""
        at = self._sorted
        while at < len(self.seen):
            seen = self.seen[at]
            for name in _keys(seen.call):
                self._by_key.setdefault(name, []).append(seen)
            self._sorted = at = at + 1
        return self._by_key.get(key)


def _keys(call: CallEvent) -> list[Key]:
    """What a captured call may be known by."""
    kind, usage, model, answered = call.kind, call.usage, call.model, call.response_model
    keys: list[Key] = [(kind, model, usage.input_tokens, usage.output_tokens)]
    if answered is not None and answered != model:
        keys.append((kind, answered, usage.input_tokens, usage.output_tokens))
    if call.request_id is not None:
        keys.append((call.request_id,))
    if call.response_id is not None and call.response_id != call.request_id:
        keys.append((call.response_id,))
    return keys


def _is_same(one: str | None, other: str | None) -> bool:
    """Whether two traces are the same, or one of both is none."""
    return one is None or other is None or one == other


class Claims:
    """The calls that one way of telling of them once more may claim."""

    def __init__(self, *, is_open: bool) -> None:
        self.is_open = is_open
        """Whether anybody may come and claim."""

        self._young = _Generation()
        self._old = _Generation()
        self.awaits_streams = False
        """Whether a stream was ever begun: what is told before its end may be of it."""

        self._told: deque[tuple[Key, Key, str | None, float]] = deque(maxlen=256)
        """What was told last and claimed nothing, and when."""

    def offer(self, call: CallEvent, trace_id: str | None) -> None:
        """Remembers a captured call; never waits."""
        young = self._young
        young.seen.append(_Seen(call, trace_id))
        if len(young.seen) >= _MOST and young is self._young:
            self._old, self._young = young, _Generation()

    def claim(self, fields: dict[str, Any], trace_id: str | None) -> bool:
        """Whether what is told, in the words of a sink, stands for a captured call; the call is claimed then."""
        if not (self._young or self._old or self.awaits_streams) or fields.get("cached"):
            return False
        counted = (fields["kind"], fields.get("model"), fields.get("prompt_tokens"), fields.get("completion_tokens"))
        named = (fields.get("request_id"),)
        if self._take(named, trace_id) or self._take(counted, trace_id):
            return True
        if self.awaits_streams:
            self._told.append((named, counted, trace_id, perf_counter()))
        return False

    def was_told(self, call: CallEvent, trace_id: str | None, since: float) -> bool:
        """Whether a captured stream was told by hand before its end; `since` is its beginning by `perf_counter`."""
        keys = _keys(call)
        for told in tuple(self._told):
            named, counted, trace, at = told
            if at >= since and (named in keys or counted in keys) and _is_same(trace, trace_id):
                with suppress(ValueError):
                    self._told.remove(told)
                    return True
        return False

    def clear(self) -> None:
        """Forgets all."""
        self._young, self._old = _Generation(), _Generation()
        self._told.clear()

    def _take(self, key: Key, trace_id: str | None) -> bool:
        for generation in (self._young, self._old):
            try:
                candidates = generation.get(key)
            except TypeError:  # no name and no count, but something that cannot be a key
                return False
            if candidates is None:
                continue
            with suppress(IndexError):  # another thread was faster
                while candidates and candidates[0].is_claimed:
                    candidates.pop(0)
            for seen in tuple(candidates):
                if not seen.is_claimed and _is_same(seen.trace_id, trace_id):
                    seen.is_claimed = True
                    return True
        return False


BY_HAND = Claims(is_open=True)
"""For what a program tells by hand."""

BY_SPANS = Claims(is_open=False)
"""For what spans of other packages tell; open once somebody takes spans."""
