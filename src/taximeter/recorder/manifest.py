"""A run's two lines in the list of runs; its figures are read from its directory, which is the truth."""

from __future__ import annotations

from taximeter.clock import iso
from taximeter.events import Status
from taximeter.numbers import to_json
from taximeter.recorder.home import Home
from taximeter.rundir import OutputDir, append_line


def tell_begin(home: Home, at: float) -> None:
    """The run has started; `at` is in seconds since the epoch."""
    _tell(home, {"created_at": iso(at), "started_at": iso(at), "status": "running"})


def tell_end(home: Home, status: Status, at: float) -> None:
    """The run has ended."""
    _tell(home, {"ended_at": iso(at), "status": status})


def _tell(home: Home, facts: dict[str, str]) -> None:
    assert home.run is not None
    if not home.run.is_listed:
        return
    append_line(
        OutputDir(home.run.output).manifest,
        to_json({"schema_version": "manifest_v1", "run_id": home.run.run_id, **facts}),
    )
