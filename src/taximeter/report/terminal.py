"""The report for a terminal of any width."""

from __future__ import annotations

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from taximeter.redact import brief, visible
from taximeter.report import schemas
from taximeter.report.columns import Table, by_cost, model_columns, plain_stage_columns, stage_columns, table
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
"""Blanks between columns; one of them is the border that the box does not draw."""


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


def stages_view(
    report: schemas.RunInstrumentation, stages: list[schemas.StageInstrumentation], width: int
) -> RichTable:
    """The table of stages, with as many columns as fit."""
    columns = stage_columns(report.pricing.currency) if report.metered else plain_stage_columns()
    return grid(table(columns, stages), width)


def grid(cells: Table, width: int) -> RichTable:
    """A table of as many columns as fit; digits are never cut, and nothing in a cell is interpreted."""
    widths = [max(map(cell_len, (title, *texts))) for title, texts in zip(cells.titles, cells.cells, strict=True)]
    least = [min(full, least or full) for full, least in zip(widths, cells.narrowest, strict=True)]
    kept = list(range(len(widths)))
    while len(kept) > 1 and sum(least[i] + _GAP for i in kept) > width:
        kept.remove(min(kept, key=lambda i: cells.importance[i]))
    spare = max(width - sum(least[i] + _GAP for i in kept), 0)
    widths = [min(full, narrow + spare) for full, narrow in zip(widths, least, strict=True)]
    made = RichTable(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for i in kept:
        made.add_column(Text(cells.titles[i]), justify="right" if cells.right[i] else "left", no_wrap=True)
    for row in cells.rows:
        made.add_row(*(_cell(row[i], widths[i], cells.titles[i]) for i in kept))
    return made


def _cell(text: str, width: int, title: str) -> Text:
    style = STATUS_STYLES.get(text.partition(" ")[0], "") if title == "status" else ""
    cell = Text(text, style)
    cell.truncate(width, overflow="ellipsis")
    return cell


def render(report: schemas.RunInstrumentation, width: int = 100) -> str:
    """The report as plain text."""
    console = Console(width=width, no_color=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(report_view(report, width))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
