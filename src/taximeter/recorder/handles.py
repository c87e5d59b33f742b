"""Handles on what is used from now on in this context: a stack of buckets, beside that of the spans."""

from __future__ import annotations

from contextvars import ContextVar

from taximeter.recorder.buckets import TokenBucket

_open: ContextVar[tuple[TokenBucket, ...]] = ContextVar("taximeter_handles", default=())
open_buckets = _open.get
"""The buckets that count what is recorded in this context."""


def push() -> TokenBucket:
    """A new bucket, open in this context and in those that it begins."""
    bucket = TokenBucket()
    _open.set((*_open.get(), bucket))
    return bucket


def pop(bucket: TokenBucket | None) -> None:
    """Takes a bucket out of this context, if it is there."""
    _open.set(tuple(other for other in _open.get() if other is not bucket))
