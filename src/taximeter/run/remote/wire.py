"""What a worker and the driver's side say to each other, as bytes that any engine can carry."""

from __future__ import annotations

import os
import pickle

import msgspec

from taximeter import settings
from taximeter.ledger.figures import Figures
from taximeter.run.executor import Task

_OWN = (settings.INSTRUMENT_SINK.name, settings.PROGRESS_FILE.name, settings.CAPTURE_MARKS.name)
"""Variables that name files which processes of an attempt append to."""

EVENTS = "events"
"""The folder of the journals in a run directory."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A task on its way to a worker. It goes as a pickle, since paths and variables need not be Unicode."""

    task: Task
    python: str
    """The driver's interpreter: where the task says it, the worker puts its own."""

    startup: str
    """The driver's folder that switches capturing on; the same."""

    token: str | None = None
    """What stands in the token file, if the run directory is shared."""

    files: str | None = None
    """The URL of the folder through which files of this attempt travel, if it is not."""

    def pack(self) -> bytes:
        """For `work`."""
        return pickle.dumps(self)


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Bytes of a file that only grows."""

    path: str
    """From the run directory, with slashes."""

    offset: int
    data: bytes


class Sum(msgspec.Struct, frozen=True, array_like=True):
    """What a file was in the end."""

    size: int
    lines: int
    """Newlines: of a journal, its events."""

    sha256: str


class End(msgspec.Struct, frozen=True):
    """Nothing of the attempt is left on the worker."""

    figures: Figures | None
    """None: its supervisor died."""

    sums: dict[str, Sum] = {}
    """Every file that was sent, by its path."""

    made: tuple[int, ...] = ()
    """Which of the outputs, by their places in the task, are at the URL."""


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message. One without any news is a beat: the worker lives."""

    node: str
    began: float | None = None
    """For so many seconds the process of the attempt runs; told once."""

    chunks: list[Chunk] = []
    usage: bytes | None = None
    """The usage file, which was replaced."""

    end: End | None = None
    """Set in the last message."""

    def pack(self) -> bytes:
        """For the engine."""
        return _encode(self)


_encode = msgspec.msgpack.Encoder().encode
read_news = msgspec.msgpack.Decoder(News).decode
"""A message; msgspec.DecodeError if it is none."""


def is_last(message: bytes) -> bool:
    """Whether no other one of the attempt follows it."""
    try:
        return read_news(message).end is not None
    except msgspec.DecodeError:
        return False


def inside(task: Task, path: str) -> str:
    """A path in the run directory, from there and with slashes; ValueError for another one."""
    within = path.removeprefix(task.run_dir + os.sep)
    if within == path:
        raise ValueError(path)
    return within


def growing_files(task: Task) -> dict[str, str]:
    """Files of the attempt that are only appended to: path in the run directory to path as the task has it."""
    paths = (task.log_path, *(task.env.get(name) for name in _OWN))
    return {inside(task, path): path for path in paths if path and path.startswith(task.run_dir + os.sep)}
