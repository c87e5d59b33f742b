"""The report as a piece of static HTML, for notebooks: no script, no style that leaves it, everything escaped."""

from __future__ import annotations

from html import escape

from taximeter.redact import visible
from taximeter.report import records
from taximeter.report.columns import (
    by_cost,
    model_columns,
    plain_stage_columns,
    shard_columns,
    stage_columns,
    with_shards,
)
from taximeter.report.table import Table, table
from taximeter.report.trust import trust
from taximeter.report.wording import headline


def render(report: records.RunInstrumentation) -> str:
    """Headline, models, stages, and what to know before believing the figures."""
    currency = report.pricing.currency
    parts = [f"<p><b>{_text(report.run_id)}</b> {_text(' · '.join(headline(report)))}</p>"]
    if report.metered and report.totals.calls:
        parts.append(_table(table(model_columns(currency), by_cost(report))))
    columns = stage_columns(currency) if report.metered else plain_stage_columns()
    parts.append(_table(table(columns, report.stages)))
    if sharded := with_shards(report):
        parts.append(_table(table(shard_columns(currency), sharded)))
    parts.append("<ul>" + "".join(f"<li>{_text(note)}</li>" for note in trust(report)) + "</ul>")
    return "<div>" + "".join(parts) + "</div>"


def _table(cells: Table) -> str:
    if not cells.rows:
        return ""
    aligned = ["right" if right else "left" for right in cells.right]
    head = "".join(_cell("th", title, side) for title, side in zip(cells.titles, aligned, strict=True))
    rows = ("".join(_cell("td", text, side) for text, side in zip(row, aligned, strict=True)) for row in cells.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, text: str, side: str) -> str:
    return f'<{tag} style="text-align: {side}">{_text(text)}</{tag}>'


def _text(text: str) -> str:
    return escape(visible(text))
