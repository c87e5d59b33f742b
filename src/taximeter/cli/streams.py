"""The standard streams: open, and able to say everything, whatever their encoding is."""

from __future__ import annotations

import codecs
import io
import os
import sys

_STDERR = 2
_PLAIN = {"─": "-", "·": "|", "•": "*", "…": ".", "≥": ">=", "→": "->", "█": "#", "░": "."}
"""What stands for a sign of ours where it cannot be said."""

_IN_PLAIN = "taximeter-in-plain"


def open_streams() -> None:
    """Opens those that are closed: else the next file that is opened would be the standard output.

    What an encoding does not know is said in plain signs, or as JSON writes it.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(fd)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
    codecs.register_error(_IN_PLAIN, _in_plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_IN_PLAIN)


def _in_plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign) or _escaped(sign) for sign in text), error.end


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
