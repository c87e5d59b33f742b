"""When the tables of a run are written: at its end if it is large, else when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec

from taximeter.errors import TaximeterError
from taximeter.rundir import RunDir

_LARGE = 10_000
"""Calls. Of a smaller run the tables are written in no time, but not what writes them loaded."""


def compact_if_large(run: RunDir, calls: int) -> None:
    """Writes the tables of a run that has just ended, where the extra `query` is installed; never an error."""
    if calls < _LARGE or find_spec("duckdb") is None or find_spec("pyarrow") is None or not run.pricing.exists():
        return
    compact_what_can_be([run], lambda of: of.report_json.read_bytes())


def compact_what_can_be(runs: Iterable[RunDir], report_of: Callable[[RunDir], bytes]) -> None:
    """Writes the tables of finished runs; those of which it cannot be done are read without."""
    from taximeter.query.compact import compact

    for run in runs:
        try:
            compact(run, report_of)
        except (TaximeterError, OSError, ValueError):  # `taximeter compact` says what is wrong
            continue
