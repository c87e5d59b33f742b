"""The report for a terminal of any width."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.text import Text

from taximeter.redact import brief, visible
from taximeter.report import schemas
from taximeter.report.columns import (
    Table,
    by_cost,
    model_columns,
    plain_stage_columns,
    progress_columns,
    stage_columns,
    table,
)
from taximeter.report.trust import trust
from taximeter.report.wording import headline

STATUS_STYLES = {
    "pending": "dim",
    "running": "cyan",
    "done": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "skipped": "dim",
    "reused": "blue",
    "lost": "bold magenta",
    "over_budget": "bold yellow",
}
_GAP = 2
"""Blanks between columns."""


def report_view(report: schemas.RunInstrumentation, width: int) -> RenderableType:
    """Headline, stages, models, and what to know before believing the figures."""
    parts: list[RenderableType] = [headline_view(report, width), stages_view(report, report.stages, width)]
    if report.metered and report.totals.calls:
        parts.append(grid(table(model_columns(report.pricing.currency), by_cost(report)), width))
    spaced = [line for part in parts for line in (part, Text())]
    return Group(*spaced, *(Text(f"• {note}") for note in trust(report)))


def headline_view(report: schemas.RunInstrumentation, width: int) -> Text:
    """The run's name, and below it what it took; where there is little room, no phrase is torn."""
    status, *figures = headline(report)
    text = Text.assemble((visible(report.run_id), "bold"), "  ", (status, STATUS_STYLES[report.status]))
    if report.error:
        text.append(f"  {brief(report.error)}", "red")
    return text.append("\n").append(_flowing(figures, width))


def _flowing(phrases: list[str], width: int) -> str:
    lines = [phrases[0]]
    for phrase in phrases[1:]:
        longer = f"{lines[-1]}  ·  {phrase}"
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(phrase)
    return "\n".join(lines)


def stages_view(report: schemas.RunInstrumentation, stages: list[schemas.StageInstrumentation], width: int) -> Text:
    """The table of stages, with as many columns as fit; while some say how far they are, that too."""
    columns = stage_columns(report.pricing.currency) if report.metered else plain_stage_columns()
    if any(stage.progress and stage.status == "running" for stage in stages):
        columns[2:2] = progress_columns()
    return grid(table(columns, stages), width)


def grid(cells: Table, width: int) -> Text:
    """A table of as many columns as fit; digits are never cut, and nothing in a cell is interpreted.

    Rich has tables, too: theirs would take longer to draw than many a stage takes to run.
    """
    widths = [max(map(cell_len, (title, *texts))) for title, texts in zip(cells.titles, cells.cells, strict=True)]
    least = [min(full, least or full) for full, least in zip(widths, cells.narrowest, strict=True)]
    kept = list(range(len(widths)))
    while len(kept) > 1 and sum(least[i] + _GAP for i in kept) - _GAP > width:
        kept.remove(min(kept, key=lambda i: cells.importance[i]))
    spare = max(width + _GAP - sum(least[i] + _GAP for i in kept), 0)
    widths = [min(full, narrow + spare) for full, narrow in zip(widths, least, strict=True)]
    gaps = dict.fromkeys(kept[:-1], " " * _GAP)
    made = Text(no_wrap=True, overflow="crop")
    for i in kept:
        made.append(_set(cells.titles[i], widths[i], cells.right[i]) + gaps.get(i, ""), "bold")
    made.append(f"\n{'─' * min(sum(widths[i] + _GAP for i in kept) - _GAP, width)}")
    for row in cells.rows:
        made.append("\n")
        for i in kept:
            cell = _set(row[i], widths[i], cells.right[i]) + gaps.get(i, "")
            made.append(cell, _style(row[i], cells.titles[i]))
    return made


def _set(text: str, width: int, right: bool) -> str:
    """A text in its column."""
    short = text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
    blanks = " " * (width - cell_len(short))
    return blanks + short if right else short + blanks


def _style(text: str, title: str) -> str:
    return STATUS_STYLES.get(text.partition(" ")[0], "") if title == "status" else ""


def render(report: schemas.RunInstrumentation, width: int = 100) -> str:
    """The report as plain text."""
    console = Console(width=width, no_color=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(report_view(report, width))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
