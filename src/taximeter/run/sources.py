"""The programs of a stage: its module's files, or the files that a plain command names."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from taximeter.recipe.entrypoint import FUNCTION_RUNNER
from taximeter.recipe.module import Module
from taximeter.recipe.plan import PlannedStage
from taximeter.recipe.registry import MODULE_FILE

_WRITES = re.compile(r"\d?&?>[>|]?")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def sources(stage: PlannedStage, module: Module | None, cwd: Path) -> Iterator[Path]:
    """Files and folders whose content decides what the stage does, besides its inputs.

    Those that the command names, of a string for the shell those that its words name; the package of a `python -m`; and
    of a module the folder of its `module.yaml`.
    """
    words = _shell_words(stage.command) if isinstance(stage.command, str) else stage.command
    yield from _named_files(words, cwd)
    yield from _package(stage.command, cwd)
    if module is not None and Path(module.document.name).name == MODULE_FILE:
        yield cwd / module.folder


def _named_files(words: Iterable[str], cwd: Path) -> Iterator[Path]:
    for word in words:
        for name in (word, word.partition("=")[2]):  # `--config=file` names one, too
            # os.path.isfile says no where Path.is_file raises: a name that is too long.
            if name and not _PLACEHOLDER.search(name) and os.path.isfile(cwd / name):  # noqa: PTH113
                yield cwd / name


def _shell_words(script: str) -> list[str]:
    """The words of a script, but for those behind `>`: what is written is no source."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:  # quoting that only the shell understands
        words = script.split()
    return [word for before, word in itertools.pairwise(["", *words]) if not _WRITES.fullmatch(before)]


def _package(command: tuple[str, ...] | str, cwd: Path) -> Iterator[Path]:
    """The package of `python -m package.module`, found without importing it: whole if it is of this project."""
    if isinstance(command, str) or command[:2] != ("{python}", "-m") or command[2] == FUNCTION_RUNNER:
        return
    top = command[2].partition(".")[0]
    local = PathFinder.find_spec(top, [str(cwd)])
    found = local or PathFinder.find_spec(top)
    if local is not None and local.submodule_search_locations:
        yield from map(Path, local.submodule_search_locations)
    elif found is not None and found.origin is not None:
        yield Path(found.origin)
