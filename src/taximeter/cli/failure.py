"""How what a person wrote wrong is told: all of it, on one page."""

from __future__ import annotations

import os

from taximeter.errors import Problem, SetupError
from taximeter.numbers import plural
from taximeter.redact import visible, without_secrets


def page(error: SetupError) -> str:
    """Each problem with its place, what is wrong, and how to mend it."""
    lines = [line for problem in error.problems for line in _lines(problem)]
    if len(error.problems) > 1:
        lines.append(plural(len(error.problems), "problem"))
    return "\n".join(lines)


def sentence(error: Exception) -> str:
    """What else went wrong."""
    if isinstance(error, FileNotFoundError) and error.filename is None and not _is_somewhere():
        return "the working directory is gone: go to one that is there"
    return visible(without_secrets(str(error)))


def _is_somewhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - whether it is there is all that is asked
    except FileNotFoundError:
        return False
    return True


def _lines(problem: Problem) -> list[str]:
    where = f"{visible(problem.where)}: " if problem.where else ""
    key = f"{visible(without_secrets(problem.key))}: " if problem.key else ""
    lines = [f"{where}{key}{visible(without_secrets(problem.message))}"]
    if problem.hint:
        lines += (f"    {visible(without_secrets(line))}" for line in problem.hint.splitlines())
    return lines
