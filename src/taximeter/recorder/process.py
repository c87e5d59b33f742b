"""Who this process is in what it records: its ids, its clock, and where it hangs in the trace."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import chain, count, product, repeat
from operator import attrgetter
from typing import TYPE_CHECKING

from taximeter import settings

if TYPE_CHECKING:
    from taximeter.recorder.stages import StageSpan


class Process:
    """The identity of one process; a forked child gets a new one, so that nothing it says can be its parent's.

    Ids are a counter behind a random prefix: a `uuid4` per span would cost more than the whole span.
    """

    __slots__ = (
        "anchor",
        "began",
        "cpu_began",
        "forked_from",
        "id",
        "parent",
        "pid",
        "seq",
        "span_id",
        "span_ids",
        "stages",
        "trace_prefix",
    )

    def __init__(self, parent: RemoteParent, forked_from: str | None = None) -> None:
        self.id = os.urandom(6).hex()
        """12 hex digits that name the process in every event it writes."""

        self.span_ids = _ids(self.id[:8])
        """16 hex digits each (W3C)."""

        self.trace_prefix = f"{self.id}0000"
        """With the id of its first span behind it, the 32 hex digits (W3C) of a trace that begins here."""

        self.seq = count()
        self.pid = os.getpid()
        self.anchor = time.time() - time.perf_counter()
        """Seconds from the monotonic clock to UTC; taken once, so that no step moves a duration."""

        self.cpu_began = time.process_time()
        self.began = time.perf_counter()
        """When it began to record, on the monotonic clock."""

        self.parent = parent
        self.forked_from = forked_from
        """Span id of the process that it was forked from while that one recorded."""

        self.stages: set[StageSpan] = set()
        """Stages that were begun here and are open."""

        self.span_id = next(self.span_ids)
        """Span id of the process itself."""

    @property
    def trace_id(self) -> str:
        """The trace of what happens outside all spans."""
        return self.parent.trace_id or self.trace_prefix + "0" * 16

    def utc(self, monotonic: float) -> float:
        """Seconds since the epoch of a moment of `perf_counter`."""
        return self.anchor + monotonic


_BYTES = tuple(f"{byte:02x}" for byte in range(256))


def _ids(prefix: str) -> Iterator[str]:
    """The prefix and 8 hex digits that count up, from 1; all of it in C, which no thread interrupts.

    One addition an id: to all but the last two digits, which change every 256 ids.
    """
    heads = map(prefix.__add__, map("".join, product(_BYTES, repeat=3)))
    ids = chain.from_iterable(map(map, map(attrgetter("__add__"), heads), repeat(_BYTES)))
    next(ids)
    return ids


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
    if len(ids) != 2 or version == "ff" or not (_is_id(version, 2) and _is_id(ids[0], 32) and _is_id(ids[1], 16)):
        return RemoteParent()
    return RemoteParent(ids[0], ids[1], settings.STAGE_ID.read())


def _is_id(text: str, length: int) -> bool:
    return len(text) == length and text.strip("0123456789abcdef") == "" and (length == 2 or text.strip("0") != "")
