"""Entrypoints of modules (a file, a package's module, a function in a file) and the commands that call them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from taximeter.recipe.command import CALL, escape

_FILE = re.compile(r"(?P<file>.*\.py)(:(?P<function>[^\W\d]\w*))?", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")

FUNCTION_RUNNER = "taximeter.run.function"
"""The program that calls a function in a file."""


class Entrypoint(msgspec.Struct, frozen=True):
    """What is called: a file, a function in it, or a package's module."""

    file: str | None = None
    function: str | None = None
    package_module: str | None = None

    @property
    def takes_options(self) -> bool:
        """Whether it is a program, with an option for each input, for the artifact and for each parameter."""
        return self.function is None

    def command(self, path: str | None, inputs: Iterable[str], params: Iterable[str]) -> tuple[str, ...]:
        """Template of the command that calls it, its file being at `path`, with these inputs and parameters."""
        if self.function is not None:
            return ("{python}", "-m", FUNCTION_RUNNER, escape(path or ""), self.function, CALL)
        program = ("-m", self.package_module) if self.package_module else (escape(path or ""),)
        options = [(f"--{name}", f"{{inputs.{name}}}") for name in inputs]
        options += [("--out", "{out}"), *((f"--{name}", f"{{params.{name}}}") for name in params)]
        return ("{python}", *program, *(word for option in options for word in option))


def parse_entrypoint(text: str) -> Entrypoint | None:
    """The entrypoint behind `path.py`, `package.module` or `path.py:function`; None if the text is none of them."""
    if match := _FILE.fullmatch(text):
        return Entrypoint(file=match["file"], function=match["function"])
    return Entrypoint(package_module=text) if _MODULE.fullmatch(text) else None
