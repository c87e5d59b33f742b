"""Executors by name: they are entry points of the group `taximeter.executors`, ours as those of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from taximeter.errors import Problem, SetupError
from taximeter.run.executor import Executor
from taximeter.yamldoc.words import nearest_or_all

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "taximeter.executors"
HERE = "local"
"""The name of the executor that needs no other program."""

Connect = Callable[[str | None, int | None, str | None], Executor]
"""What an entry point names: connects to an address, or starts what it needs on this machine, for so many stages at a
time; the third is the URL of a place for files, if nodes share no folder. SetupError if it cannot."""


def connect(name: str, address: str | None, jobs: int | None, files: str | None) -> Executor:
    """The executor of that name; SetupError if there is none, or it cannot be had."""
    from importlib.metadata import entry_points  # most runs need none

    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        hint = nearest_or_all(name, {HERE, *found})
        raise SetupError(Problem(f"there is no executor {name!r}", hint, key=f"--executor {name}"))
    return _load(found[name])(address, jobs, files)


def _load(point: EntryPoint) -> Connect:
    try:
        return cast(Connect, point.load())
    except (ImportError, AttributeError) as error:
        package = point.dist.name if point.dist else "taximeter"
        message = f"the executor {point.name} needs a package: {error}"
        raise SetupError(
            Problem(message, f"pip install '{package}[{point.name}]'", key=f"--executor {point.name}")
        ) from None
