"""The call sink of a stage: a file of JSON lines to which any process of the stage may append."""

from __future__ import annotations

import os

from taximeter import settings


class SinkFile:
    """One open sink. A line is one O_APPEND write, so writers in parallel never mix."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        # Somebody who died in the middle of a line must not take ours with it.
        end = os.fstat(self._fd).st_size
        self._torn = end > 0 and os.pread(self._fd, 1, end - 1) != b"\n"

    def append(self, line: bytes) -> None:
        """Writes one line; OSError if there is no space for all of it."""
        data = (b"\n" if self._torn else b"") + line + b"\n"
        self._torn = os.write(self._fd, data) != len(data)
        if self._torn:
            raise OSError(f"no space left for a line of {self.path}")

    def close(self) -> None:
        """Lets the file go; every line is in it."""
        os.close(self._fd)


_open_sink: SinkFile | None = None


def current_sink() -> SinkFile | None:
    """The sink that the environment names, opened at the first use; None if it names none."""
    global _open_sink  # noqa: PLW0603 - one open file a process, as one environment
    path = settings.INSTRUMENT_SINK.read()
    if _open_sink is None or _open_sink.path != path:
        if _open_sink is not None:
            _open_sink.close()
        _open_sink = SinkFile(path) if path else None
    return _open_sink
