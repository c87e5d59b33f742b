"""sha256 of what files and folders hold, each read once as long as it does not change."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from taximeter.rundir import MANIFEST

_NOT_SOURCE = frozenset({"__pycache__", "node_modules"})


class Digests:
    """Digests by path, size, and time of change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int, int], str] = {}

    def content(self, path: Path) -> str:
        """Of a file, or of a folder with all that is below it but runs of ours; OSError if it cannot be read.

        What is neither (a pipe, a device) is not read: only its kind counts.
        """
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            return self._tree(path, _all_below(path))
        return self._file(path, about)

    def source(self, folder: Path) -> str:
        """Of a folder of programs: without caches, hidden files, and folders that hold runs of ours."""
        return self._tree(folder, _source_below(folder))

    def _tree(self, root: Path, paths: Iterator[Path]) -> str:
        digest = hashlib.sha256()
        for path in paths:
            name = os.fsencode(path.relative_to(root))
            digest.update(b"%d:%b%b" % (len(name), name, self._entry(path).encode()))
        return digest.hexdigest()

    def _entry(self, path: Path) -> str:
        """A link to a folder is not followed: it could lead round in a circle."""
        if path.is_symlink() and not path.is_file():
            return f"link to {path.readlink()}"
        about = path.stat()
        return "folder" if stat.S_ISDIR(about.st_mode) else self._file(path, about)

    def _file(self, path: Path, about: os.stat_result) -> str:
        if not stat.S_ISREG(about.st_mode):
            return f"special {stat.S_IFMT(about.st_mode):o}"
        key = (str(path), about.st_ino, about.st_size, about.st_mtime_ns)
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[key]


def _all_below(root: Path) -> Iterator[Path]:
    """Files, links and folders, in the order of their names, but for runs of ours: they are made from it."""
    for folder, folders, files in os.walk(root, onerror=_raise):
        if MANIFEST in files and Path(folder) != root:
            folders.clear()
            continue
        folders.sort()
        yield from (Path(folder, name) for name in sorted([*folders, *files]))


def _source_below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root, onerror=_raise):
        if MANIFEST in files:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not _is_noise(name))
        yield from (Path(folder, name) for name in sorted(files) if not _is_noise(name))


def _is_noise(name: str) -> bool:
    return name.startswith(".") or name in _NOT_SOURCE or name.endswith(".pyc")


def _raise(error: OSError) -> None:
    raise error
