"""The report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from taximeter import numbers
from taximeter.redact import brief, visible
from taximeter.report import records
from taximeter.report.baseline import differences, differences_columns
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
from taximeter.report.wording import cost, headline, name

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~&$@]|:(?=//)|(?<=www)\.|^[-+]|(?<=^\d)[.)](?=\s))", re.IGNORECASE)
"""What Markdown would read as markup or as a link, and what would begin a list."""

_MOST = 5


def render(report: records.RunInstrumentation) -> str:
    """Headline, what happened, tables of models and stages, the most expensive and slowest stages, what to trust."""
    currency = report.pricing.currency
    parts = [
        f"# Run {_text(report.run_id)}",
        f"**{' · '.join(map(_text, headline(report)))}**",
        *([_text(report.summary)] if report.summary else []),
        _facts(report),
    ]
    if report.baseline and report.headline:
        parts += [
            f"## Against {_text(brief(report.baseline.run_id))}",
            _table(table(differences_columns(), differences(report))),
        ]
    if report.metered:
        parts += ["## Models", _table(table(model_columns(currency), by_cost(report)))]
        parts += ["## Stages", _table(table(stage_columns(currency), report.stages))]
        whole = float(report.totals.cost or 0)
        dearest = _ranking(report, _money, lambda s: cost(s.llm_totals, currency), whole)
        parts += ["## Most expensive stages", dearest]
    else:
        parts += ["## Stages", _table(table(plain_stage_columns(), report.stages))]
    if sharded := with_shards(report):
        parts += ["## Shards", _table(table(shard_columns(currency), sharded))]
    slowest = _ranking(report, _wall, lambda s: numbers.seconds(s.wall_seconds), report.wall_seconds or 0.0)
    parts += ["## Slowest stages", slowest]
    parts += ["## What to trust", "\n".join(f"- {_text(note)}" for note in trust(report))]
    return "\n\n".join(parts) + "\n"


def _facts(report: records.RunInstrumentation) -> str:
    facts = [
        f"Recipe {_text(report.recipe_name or numbers.UNKNOWN)}",
        f"started {_text(report.started_at or numbers.UNKNOWN)}",
        f"ended {_text(report.ended_at or numbers.UNKNOWN)}",
        "all figures: [instrumentation.json](instrumentation.json)",
    ]
    lines = ["; ".join(facts) + "."]
    if report.error:
        lines.append(f"**{_text(brief(report.error))}**")
    if report.tags:
        lines.append("Tags: " + ", ".join(f"{_text(key)} = {_text(value)}" for key, value in report.tags.items()) + ".")
    return "\n\n".join(lines)


def _table(cells: Table) -> str:
    if not cells.rows:
        return "None."
    lines = [cells.titles, tuple("--:" if right else ":--" for right in cells.right)]
    lines += [tuple(map(_text, row)) for row in cells.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ranking(
    report: records.RunInstrumentation,
    figure: Callable[[records.StageInstrumentation], float],
    shown: Callable[[records.StageInstrumentation], str],
    whole: float,
) -> str:
    first = sorted((s for s in report.stages if figure(s) > 0), key=figure, reverse=True)[:_MOST]
    lines = [
        f"{i}. {_text(name(stage))}: {_text(shown(stage))}, {numbers.percent(figure(stage), whole)}"
        for i, stage in enumerate(first, 1)
    ]
    return "\n".join(lines) or "None."


def _money(stage: records.StageInstrumentation) -> float:
    return float(stage.llm_totals.cost or 0)


def _wall(stage: records.StageInstrumentation) -> float:
    return stage.wall_seconds or 0.0


@lru_cache(maxsize=1_000)  # most cells of a table say what others say
def _text(text: str) -> str:
    """Foreign text that Markdown shows as it is."""
    return _SIGNS.sub(r"\\\1", visible(text))
