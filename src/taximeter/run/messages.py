"""What the driver tells a supervisor to do, and what it hears from it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from taximeter.ledger.figures import Figures


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """A command and where it runs: what a supervisor is told first."""

    argv: list[str]
    """The program and its arguments; a program without a slash is looked up in the PATH of `env`."""

    env: dict[str, str]
    """The whole environment."""

    cwd: str
    """The directory it starts in."""

    log_path: str | None
    """Its standard output and error are appended to this file. None: it is in the foreground, with the files, the
    terminal and the process group of this process; the forkserver must be one `in_foreground`."""

    ignored: tuple[int, ...] = ()
    """Signals that it ignores when it starts."""

    usage_path: str | None = None
    """Metered: the figures so far stand in this file, replaced at most once a second. None: not metered."""

    is_kept: bool = True
    """The usage file stays there: it is to survive a loss of power."""

    grace: float = 5.0
    """Seconds that processes get which outlive the stage's own one, before they are told to end."""

    def line(self) -> bytes:
        """One line of JSON. Each byte becomes the character of its number, since JSON knows no bytes."""
        told = {
            "argv": self.argv,
            "env": self.env,
            "cwd": _absolute(self.cwd),
            "log": None if self.log_path is None else _absolute(self.log_path),
            "ignored": self.ignored,
            "usage": None if self.usage_path is None else _absolute(self.usage_path),
            "kept": self.is_kept,
            "grace": self.grace,
        }
        with suppress(UnicodeEncodeError):
            line = msgspec.json.encode(told)
            if line.isascii():
                return line
        return msgspec.json.encode(_in_characters(told))


class Started(msgspec.Struct, frozen=True, tag_field="event", tag="started"):
    """The stage's own process runs."""

    pid: int
    started_at: float
    """Seconds since the epoch."""


class Done(msgspec.Struct, frozen=True, tag_field="event", tag="done"):
    """Nothing of the stage is left."""

    figures: Figures


class Lost(msgspec.Struct, frozen=True):
    """The supervisor died, and the stage with it. What is known of the attempt stands in its usage file, if any."""


Message = Started | Done | Lost


class Stop(msgspec.Struct, frozen=True, tag_field="op", tag="stop"):
    """Every process of the stage gets TERM, and after the grace KILL."""

    grace: float
    """Seconds."""


class Kill(msgspec.Struct, frozen=True, tag_field="op", tag="kill"):
    """Every process of the stage gets KILL."""


class PassOn(msgspec.Struct, frozen=True, tag_field="op", tag="signal"):
    """The stage's own process gets a signal that the driver was sent, unless it was sent to both."""

    number: int


def _absolute(path: str) -> str:
    return path if path.startswith("/") else str(Path(path).absolute())


def _in_characters(told: Any) -> Any:
    match told:
        case str():
            return _characters(told)
        case dict():
            return {_characters(name): _in_characters(value) for name, value in told.items()}
        case list():
            return [_characters(word) for word in told]
    return told


def _characters(text: str) -> str:
    return text if text.isascii() else os.fsencode(text).decode("latin-1")
