"""Who this process is in what it records: its ids, its clock, and where it hangs in the trace."""

from __future__ import annotations

import os
import time
from itertools import count

from taximeter import settings


class Process:
    """The identity of one process; a forked child gets a new one, so that nothing it says can be its parent's.

    Ids are a counter behind a random prefix: a `uuid4` per span would cost more than the whole span.
    """

    __slots__ = (
        "_traces",
        "anchor",
        "began",
        "cpu_began",
        "forked_from",
        "id",
        "ids",
        "parent",
        "pid",
        "prefix",
        "seq",
        "span_id",
    )

    def __init__(self, parent: RemoteParent, forked_from: str | None = None) -> None:
        self.id = os.urandom(6).hex()
        """12 hex digits that name the process in every event it writes."""

        self.prefix = self.id[:8]
        """First half of every span id; the second one is `next(ids)` as 8 hex digits."""

        self.ids = count(1)
        self.seq = count()
        self._traces = count(1)
        self.pid = os.getpid()
        self.anchor = time.time_ns() - time.perf_counter_ns()
        """Nanoseconds from the monotonic clock to UTC; taken once, so that no step moves a duration."""

        self.cpu_began = time.process_time_ns()
        self.began = time.perf_counter_ns()
        """When it began to record, on the monotonic clock."""

        self.parent = parent
        self.forked_from = forked_from
        """Span id of the process that it was forked from while that one recorded."""

        self.span_id = self.new_span_id()
        """Span id of the process itself."""

    def new_span_id(self) -> str:
        """16 hex digits (W3C)."""
        return f"{self.prefix}{next(self.ids):08x}"

    def new_trace_id(self) -> str:
        """32 hex digits (W3C)."""
        return f"{self.id}{next(self._traces):020x}"

    def utc(self, monotonic_ns: int) -> float:
        """Seconds since the epoch of a moment of `perf_counter_ns`."""
        return (self.anchor + monotonic_ns) / 1e9


class RemoteParent:
    """The span of another process under which this one works; all None if there is none."""

    __slots__ = ("name", "span_id", "trace_id")

    def __init__(self, trace_id: str | None = None, span_id: str | None = None, name: str | None = None) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.name = name


def remote_parent() -> RemoteParent:
    """What `TRACEPARENT` says (W3C: `00-<32 hex>-<16 hex>-<flags>`); nothing of one that is malformed."""
    version, *ids = (settings.TRACEPARENT.read() or "").strip().lower().split("-")[:3]
    if len(ids) != 2 or not (_is_id(version, 2) and _is_id(ids[0], 32) and _is_id(ids[1], 16)):
        return RemoteParent()
    return RemoteParent(ids[0], ids[1], settings.STAGE_ID.read())


def _is_id(text: str, length: int) -> bool:
    return len(text) == length and text.strip("0123456789abcdef") == "" and (length == 2 or text.strip("0") != "")
