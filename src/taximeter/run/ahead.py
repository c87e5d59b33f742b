"""What the reports of a run need and its first stage does not: it is loaded while the driver waits for a stage."""

from __future__ import annotations

from collections.abc import Iterator
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


def load_ahead(*, metered: bool) -> Iterator[None]:
    """Loads one more of them each time that it is asked to."""
    for name in (*_OF_ANY_RUN, *(_OF_A_METERED_RUN if metered else ())):
        import_module(name)
        yield
    if metered:
        from taximeter.report.html import viewer

        viewer()
