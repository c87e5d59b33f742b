"""Entrypoints of modules (a file, a package's module, a function in a file) and the commands that call them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from taximeter.recipe.command import CALL, escape

_FILE = re.compile(r"(?P<path>.*\.py)(:(?P<function>[^\W\d]\w*))?", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_entrypoint(text: str) -> bool:
    """Whether the text is `path.py`, `package.module` or `path.py:function`."""
    return bool(_FILE.fullmatch(text) or _MODULE.fullmatch(text))


def file_of(entrypoint: str) -> str | None:
    """The file that an entrypoint names; None for a package's module."""
    match = _FILE.fullmatch(entrypoint)
    return match["path"] if match else None


def entrypoint_command(
    entrypoint: str, path: str | None, inputs: Iterable[str], params: Iterable[str]
) -> tuple[str, ...]:
    """Template of the command that calls an entrypoint, whose file lies at `path`, with the inputs and parameters."""
    match = _FILE.fullmatch(entrypoint)
    if match and match["function"]:
        return ("{python}", "-m", "taximeter.run.function", escape(path or ""), match["function"], CALL)
    program = ("-m", entrypoint) if path is None else (escape(path),)
    options = [(f"--{name}", f"{{inputs.{name}}}") for name in inputs]
    options += [("--out", "{out}"), *((f"--{name}", f"{{params.{name}}}") for name in params)]
    return ("{python}", *program, *(word for option in options for word in option))
