"""The supervisor's figures of one attempt, as they stand in `usage.<attempt>.json`."""

from __future__ import annotations

from typing import Literal

import msgspec

from taximeter.journal.reader import UNREADABLE
from taximeter.rundir import StageDir, read_file

Method = Literal["exact", "sampled", "missing"]


class Figures(msgspec.Struct, frozen=True, tag="usage_v1", tag_field="schema_version", kw_only=True):
    """What the operating system counted for the whole process tree; None is unknown, never 0."""

    state: Literal["running", "done"]
    pid: int | None = None
    started_at: float
    ended_at: float | None = None
    wall_seconds: float
    cpu_user_seconds: float | None = None
    cpu_system_seconds: float | None = None
    max_rss_bytes: int | None = None
    """The largest single process."""

    peak_memory_bytes: int | None = None
    """The whole tree."""

    io_read_bytes: int | None = None
    io_write_bytes: int | None = None
    io_read_chars: int | None = None
    """Bytes that went through read calls, from whatever source."""

    io_write_chars: int | None = None
    major_faults: int | None = None
    processes: int | None = None
    leftover_processes: int | None = None
    """Processes that outlived the stage's own and had to be ended."""

    deaf_processes: int | None = None
    """Processes that ignored TERM and were killed."""

    exit_code: int | None = None
    signal: int | None = None
    spawn_error: str | None = None
    uncaptured: dict[str, int] | None = None
    """Processes whose calls nobody captured, by interpreter, of those that were seen; None if nobody looked."""

    methods: dict[str, Method] = {}


_decoder = msgspec.json.Decoder(Figures)


class FiguresReader:
    """Figures of the attempts of one run; those of an ended one are read once."""

    def __init__(self) -> None:
        self._done: dict[str, Figures] = {}
        self._methods: dict[tuple[tuple[str, Method], ...], dict[str, Method]] = {}
        """Each once: they are the same for nearly all."""

    def read(self, folder: StageDir, attempt: int) -> Figures | None:
        """The latest figures of an attempt; None if its supervisor has written none that can be read."""
        name = f"{folder.path}/{attempt}"
        if name in self._done:
            return self._done[name]
        try:
            figures = _decoder.decode(read_file(folder.usage(attempt)))
        except (OSError, *UNREADABLE):
            return None
        if figures.state == "done":
            self.know(folder, attempt, figures)
        return figures

    def know(self, folder: StageDir, attempt: int, figures: Figures) -> None:
        """The last figures of an attempt, which need not be read any more."""
        known = self._methods.setdefault(tuple(figures.methods.items()), figures.methods)
        self._done[f"{folder.path}/{attempt}"] = msgspec.structs.replace(figures, methods=known)
