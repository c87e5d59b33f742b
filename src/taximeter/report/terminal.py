"""The report for a terminal of any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taximeter.redact import brief, visible
from taximeter.report import records
from taximeter.report.columns import (
    by_cost,
    model_columns,
    plain_stage_columns,
    progress_columns,
    shard_columns,
    stage_columns,
    with_shards,
)
from taximeter.report.grid import STATUS_STYLES, cells_of, grid, plain_grid, wrapped
from taximeter.report.table import Table, table
from taximeter.report.trust import trust
from taximeter.report.wording import headline

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text


def report_view(report: records.RunInstrumentation, width: int) -> RenderableType:
    """Headline, stages, models, and what to know before believing the figures."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [headline_view(report, width), *(grid(cells, width) for cells in _tables(report))]
    spaced = [line for part in parts for line in (part, Text())]
    return Group(*spaced, *(Text(f"• {note}") for note in trust(report)))


def render(report: records.RunInstrumentation, width: int = 100) -> str:
    """The same as plain text, for what is no terminal: without rich, which takes longer to load than a small run."""
    status, *figures = headline(report)
    title = f"{visible(report.run_id)}  {status}{f'  {brief(report.error)}' if report.error else ''}"
    lines = [*wrapped(title, width), *_flowing(figures, width).splitlines()]
    for cells in _tables(report):
        lines += ["", *plain_grid(cells, width).splitlines()]
    lines += ["", *(line for note in trust(report) for line in wrapped(f"• {note}", width))]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _tables(report: records.RunInstrumentation) -> list[Table]:
    """Stages, shards and models as far as there are any."""
    tables = [_stages(report, report.stages)]
    if sharded := with_shards(report):
        tables.append(table(shard_columns(report.pricing.currency), sharded))
    if report.metered and report.totals.calls:
        tables.append(table(model_columns(report.pricing.currency), by_cost(report)))
    return tables


def headline_view(report: records.RunInstrumentation, width: int) -> Text:
    """The run's name, and below it what it took; where there is little room, no phrase is torn."""
    from rich.text import Text

    status, *figures = headline(report)
    text = Text.assemble((visible(report.run_id), "bold"), "  ", (status, STATUS_STYLES[report.status]))
    if report.error:
        text.append(f"  {brief(report.error)}", "red")
    return text.append("\n").append(_flowing(figures, width))


def _flowing(phrases: list[str], width: int) -> str:
    lines = [phrases[0]]
    for phrase in phrases[1:]:
        longer = f"{lines[-1]}  ·  {phrase}"
        if cells_of(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(phrase)
    return "\n".join(lines)


def stages_view(report: records.RunInstrumentation, stages: list[records.StageInstrumentation], width: int) -> Text:
    """The table of stages, with as many columns as fit; while some say how far they are, that too."""
    return grid(_stages(report, stages), width)


def _stages(report: records.RunInstrumentation, stages: list[records.StageInstrumentation]) -> Table:
    columns = stage_columns(report.pricing.currency) if report.metered else plain_stage_columns()
    if any((stage.progress or stage.spread) and stage.status == "running" for stage in stages):
        columns[2:2] = progress_columns()
    return table(columns, stages)
