"""How far a stage says that it is: lines that any program may append to its progress file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from taximeter.journal.reader import UNREADABLE, LineReader
from taximeter.redact import silent, without_secrets

_MOST = 20
"""Lines that are passed on at a time, the latest; a stage that says more keeps nobody from the rest of the run."""

_LONGEST = 500
Amount = Annotated[float, msgspec.Meta(ge=0, le=2**63)] | None


class ProgressLine(msgspec.Struct, frozen=True):
    """What a program says: every field may be missing, and fields that are not here are nobody's business."""

    status: str | None = None
    current: Amount = None
    """Units of work that are done."""

    total: Amount = None
    """Units of work that there are."""

    message: str | None = None
    extra: dict[str, Any] = {}

    @property
    def percent(self) -> float | None:
        """What part is done; at most 100."""
        if self.current is None or not self.total:
            return None
        return min(100.0, round(100 * self.current / self.total, 1))


_decoder = msgspec.json.Decoder(ProgressLine)


def together(said: Sequence[ProgressLine | None]) -> ProgressLine | None:
    """How far the shards of a stage are together: what they said, added up; None if none has said anything.

    One that has not said how much it has to do has as much as the others on average. The message is the last shard's
    that has one.
    """
    known = [line for line in said if line is not None]
    if not known:
        return None
    done = [line.current for line in known if line.current is not None]
    totals = [line.total for line in known if line.total is not None]
    return ProgressLine(
        current=math.fsum(done) if done else None,
        total=math.fsum(totals) * len(said) / len(totals) if totals else None,
        message=next((line.message for line in reversed(known) if line.message is not None), None),
    )


class ProgressReader:
    """The progress file of one attempt, each line once."""

    def __init__(self, path: Path) -> None:
        self._lines = LineReader(path)
        self.latest: ProgressLine | None = None
        """The last line that was read."""

        self.bad_lines = 0
        """Lines that are no progress: no JSON, not a number, less than nothing."""

    def news(self) -> list[ProgressLine]:
        """The latest of the lines that were added since the last time."""
        latest: list[ProgressLine] = []
        for line in self._lines.lines():
            if not line.data.strip():
                continue
            try:
                said = _decoder.decode(line.data)
            except UNREADABLE:
                self.bad_lines += 1
                continue
            latest = [*latest[1 - _MOST :], _brief(said)]
        self.latest = latest[-1] if latest else self.latest
        return latest


def _brief(line: ProgressLine) -> ProgressLine:
    message = None if line.message is None else without_secrets(line.message[: 2 * _LONGEST])[:_LONGEST]
    status = None if line.status is None else line.status[:_LONGEST]
    extra = silent(line.extra) if len(msgspec.json.encode(line.extra)) <= _LONGEST else {}
    return msgspec.structs.replace(line, message=message, status=status, extra=extra)
