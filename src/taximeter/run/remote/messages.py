"""What is sent home of an attempt that runs on another machine. Each message may come more than once."""

from __future__ import annotations

import msgspec

from taximeter.ledger.figures import Figures
from taximeter.run.executor import Key


class Began(msgspec.Struct, frozen=True):
    """Its process runs."""

    key: Key


class Chunk(msgspec.Struct, frozen=True):
    """Bytes of a file that it wrote."""

    key: Key
    path: str
    """From the run directory."""

    offset: int
    data: bytes


class Beat(msgspec.Struct, frozen=True):
    """It is known to live, or to wait for its turn."""

    key: Key


class FileEnd(msgspec.Struct, frozen=True):
    """What a file must be like when all of it is home."""

    size: int
    sha256: str


class Ended(msgspec.Struct, frozen=True):
    """Nothing of it is left. What it wrote, by paths from the run directory."""

    key: Key
    figures: Figures
    files: dict[str, FileEnd]


class Refused(msgspec.Struct, frozen=True):
    """It was not begun."""

    key: Key
    reason: str


Message = Began | Chunk | Beat | Ended | Refused
