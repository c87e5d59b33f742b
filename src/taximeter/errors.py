"""The error tree: everything that taximeter raises on purpose."""

from __future__ import annotations

import signal
from collections.abc import Iterable

import msgspec


class TaximeterError(Exception):
    """Base of all errors that taximeter raises on purpose."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that a person wrote wrong: what, where, and how to mend it."""

    message: str
    """What is wrong, in one sentence."""

    hint: str | None = None
    """How to mend it (a did-you-mean, the allowed values, a command)."""

    path: str | None = None
    """The file it stands in, as the person named it."""

    line: int | None = None
    """Line in that file, from 1."""

    column: int | None = None
    """Column in that line, from 1."""

    key: str | None = None
    """Path of the key, such as `stages[2].needs[0]`."""

    @property
    def where(self) -> str:
        """`file:line:column`, as far as they are known; empty if nothing is."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


class SetupError(TaximeterError):
    """Something a person set up cannot be used; carries every problem found, in the order of the files."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.where}: {p.message}" if p.where else p.message for p in problems))
        self.problems = problems


def in_order(problems: Iterable[Problem]) -> SetupError:
    """The error that carries the problems of one file, in the order of their places."""
    return SetupError(*sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))


class RunDirError(TaximeterError):
    """A run directory cannot be found, made or locked."""


class BudgetExceeded(TaximeterError):  # noqa: N818 - what happened, as programs that catch it say it
    """What may be spent is spent: the next call is not made."""


class Interrupted(BaseException):
    """A signal ends the command while it has nothing to end in good order: no `except Exception` may stop it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number
