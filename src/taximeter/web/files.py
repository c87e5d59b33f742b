"""What lies in the folder of a stage: its artifacts and logs, listed, looked into, and handed out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Literal

import msgspec

from taximeter.clock import iso
from taximeter.redact import without_secrets
from taximeter.rundir import SHARDS, RunDir
from taximeter.web.beneath import open_file, open_folder

MOST_FILES = 1_000
"""Files that are listed."""

MOST_TEXT = 400_000
"""Bytes of a file that are looked into."""

Kind = Literal["json", "jsonl", "markdown", "csv", "text", "image", "other"]

_KINDS: dict[str, Kind] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".md": "markdown",
    ".csv": "csv",
    ".tsv": "csv",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".gif": "image",
    ".webp": "image",
}
IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""Pictures that can do nothing but be seen, with their media types. SVG is none: it can hold scripts."""

_LOG = re.compile(r"log\.([1-9][0-9]{0,8})\.txt")
_LOG_OF_STAGE = re.compile(rf"(?:{SHARDS}/[0-9]+/)?{_LOG.pattern}")

ACTIVE = frozenset({".html", ".htm", ".xhtml", ".svg", ".xml", ".mhtml", ".js", ".mjs", ".pdf", ".swf", ".wasm"})
"""What a browser would run rather than show."""


class Listed(msgspec.Struct):
    """One file of a stage."""

    path: str
    """From the folder of the stage."""

    size: int
    modified: str
    kind: Kind


class Listing(msgspec.Struct):
    """The files of a stage."""

    folder: str
    artifact: str | None
    """Path of what the stage was to make, from its folder."""

    files: list[Listed]
    truncated: bool
    """There are more."""


class Look(msgspec.Struct):
    """The beginning of a file."""

    path: str
    kind: Kind
    size: int
    text: str | None
    """None if it is no text."""

    rows: int
    """Lines in `text`."""

    truncated: bool
    """There is more."""


class LogTail(msgspec.Struct):
    """The end of what an attempt printed."""

    attempt: int | None
    attempts: list[int]
    """Those that have a log."""

    size: int
    begin: int
    """Offset of the first byte of `text`."""

    text: str
    """Without what looks like a secret."""


def list_files(run: RunDir, folder: str, artifact: str | None) -> Listing:
    """The regular files in the folder of a stage, the artifact first; none of one that has not begun."""
    root = _root(run)
    try:
        found = list(_walk(root, folder))
    except FileNotFoundError:
        found = []
    finally:
        os.close(root)
    own = artifact.removeprefix(f"{folder}/") if artifact else None
    found.sort(key=lambda file: (file.path != own, file.path))
    return Listing(folder, own, found[:MOST_FILES], len(found) > MOST_FILES)


def _walk(root: int, folder: str) -> Iterator[Listed]:
    waiting, left = [""], MOST_FILES
    while waiting and left >= 0:
        below = waiting.pop()
        fd = open_folder(root, f"{folder}/{below}".rstrip("/"))
        try:
            with os.scandir(fd) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{below}{entry.name}/")
                    elif entry.is_file(follow_symlinks=False) and left >= 0:
                        left -= 1
                        yield _listed(f"{below}{entry.name}", entry.stat(follow_symlinks=False))
        finally:
            os.close(fd)


def _listed(path: str, found: os.stat_result) -> Listed:
    return Listed(_text(path), found.st_size, iso(found.st_mtime), kind_of(path))


def kind_of(path: str) -> Kind:
    """What a file is by its name."""
    return _KINDS.get(PurePosixPath(path).suffix.lower(), "text")


def is_log(path: str) -> bool:
    """Whether a file of a stage is what an attempt, of it or of one of its shards, has printed."""
    return _LOG_OF_STAGE.fullmatch(path) is not None


def open_in(run: RunDir, folder: str, path: str) -> BinaryIO:
    """A file of a stage, opened to be read; OSError if there is none that may be."""
    root = _root(run)
    try:
        below = open_folder(root, folder)
        try:
            return os.fdopen(open_file(below, path), "rb")
        finally:
            os.close(below)
    finally:
        os.close(root)


def look_into(file: BinaryIO, path: str, rows: int) -> Look:
    """The first rows of a file, and not more of it than anybody would read."""
    size, kind = os.fstat(file.fileno()).st_size, kind_of(path)
    head = file.read(MOST_TEXT)
    if kind == "image" or b"\0" in head:
        return Look(path, kind if kind == "image" else "other", size, None, 0, size > 0)
    whole = len(head) == size
    lines = head.decode("utf-8", "replace").splitlines(keepends=True)
    if kind != "json":  # a document is one thing
        whole, lines = whole and len(lines) <= rows, lines[:rows]
    text = "".join(lines)
    return Look(path, kind, size, without_secrets(text) if is_log(path) else text, len(lines), not whole)


def log_tail(run: RunDir, folder: str, attempt: int | None, most: int) -> LogTail:
    """The last bytes of the log of an attempt, by default of the latest one."""
    numbers = _logs(run, folder)
    if not numbers or (attempt is not None and attempt not in numbers):
        return LogTail(attempt, numbers, 0, 0, "")
    number = attempt or numbers[-1]
    with open_in(run, folder, run.stage(folder).log(number).name) as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.seek(max(size - most, 0))
        data = file.read(most)
    if begin:  # not the rest of a line or word, which could be half a secret
        whole = data.partition(b"\n")[2] or b" ".join(data.split(None, 1)[1:])
        begin, data = begin + len(data) - len(whole), whole
    return LogTail(number, numbers, size, begin, without_secrets(data.decode("utf-8", "replace")))


def _logs(run: RunDir, folder: str) -> list[int]:
    """Numbers of the attempts that have a log."""
    root = _root(run)
    try:
        fd = open_folder(root, folder)
    except OSError:
        return []
    finally:
        os.close(root)
    try:
        with os.scandir(fd) as entries:
            found = (_LOG.fullmatch(entry.name) for entry in entries)
            return sorted(int(match[1]) for match in found if match)
    finally:
        os.close(fd)


def _root(run: RunDir) -> int:
    return os.open(run.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _text(name: str) -> str:
    """A file name that can be sent: what is no text in it is replaced, and then cannot be asked for."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
