"""The report for a terminal of any width."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.text import Text

from taximeter.redact import brief, visible
from taximeter.report import records
from taximeter.report.columns import by_cost, model_columns, plain_stage_columns, progress_columns, stage_columns
from taximeter.report.grid import STATUS_STYLES, grid
from taximeter.report.table import table
from taximeter.report.trust import trust
from taximeter.report.wording import headline


def report_view(report: records.RunInstrumentation, width: int) -> RenderableType:
    """Headline, stages, models, and what to know before believing the figures."""
    parts: list[RenderableType] = [headline_view(report, width), stages_view(report, report.stages, width)]
    if report.metered and report.totals.calls:
        parts.append(grid(table(model_columns(report.pricing.currency), by_cost(report)), width))
    spaced = [line for part in parts for line in (part, Text())]
    return Group(*spaced, *(Text(f"• {note}") for note in trust(report)))


def headline_view(report: records.RunInstrumentation, width: int) -> Text:
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


def stages_view(report: records.RunInstrumentation, stages: list[records.StageInstrumentation], width: int) -> Text:
    """The table of stages, with as many columns as fit; while some say how far they are, that too."""
    columns = stage_columns(report.pricing.currency) if report.metered else plain_stage_columns()
    if any(stage.progress and stage.status == "running" for stage in stages):
        columns[2:2] = progress_columns()
    return grid(table(columns, stages), width)


def render(report: records.RunInstrumentation, width: int = 100) -> str:
    """The report as plain text."""
    console = Console(width=width, no_color=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(report_view(report, width))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
