"""What the reports of a run need and its first stage does not: it is loaded while the driver waits for a stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module

_OF_ANY_RUN = (
    "taximeter.report.records",
    "taximeter.report.stage",
    "taximeter.report.tally",
    "taximeter.report.shards",
    "taximeter.report.headline",
    "taximeter.report.local",
    "taximeter.report.programs",
    "taximeter.report.timeline",
    "taximeter.report.whole",
    "taximeter.report.columns",
    "taximeter.report.gaps",
    "taximeter.report.trust",
    "taximeter.journal.mend",
    "taximeter.recorder.pids",
    "taximeter.report.dead",
    "taximeter.report.grid",
    "taximeter.report.terminal",
)
_OF_A_METERED_RUN = (
    "taximeter.report.json",
    "taximeter.report.baseline",
    "taximeter.report.markdown",
    "taximeter.report.attached",
    "taximeter.report.html",
)
"""Each after those that it imports, so that none takes longer than a stage would notice."""


def for_any_run() -> Iterator[None]:
    """Loads one more of them each time that it is asked to."""
    return _load(_OF_ANY_RUN)


def for_a_metered_run() -> Iterator[None]:
    """The same, and then what its files are made of."""
    yield from _load(_OF_ANY_RUN)
    yield from _load(_OF_A_METERED_RUN)
    from taximeter.report.html import viewer

    viewer()


def _load(names: Iterable[str]) -> Iterator[None]:
    for name in names:
        import_module(name)
        yield
