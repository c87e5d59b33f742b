"""Which figures of a report stand in its tables."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from taximeter import numbers
from taximeter.redact import brief
from taximeter.report import records
from taximeter.report.table import Column
from taximeter.report.wording import cost, cpu, name


def _status(stage: records.StageInstrumentation) -> str:
    return stage.status + (" (mock)" if stage.mocked else "") + (" (stale)" if stage.stale else "")


def _share(stage: records.StageInstrumentation) -> str:
    used = cpu(stage)
    return numbers.UNKNOWN if used is None or not stage.wall_seconds else numbers.percent(used, stage.wall_seconds)


def _per_thousand(stage: records.StageInstrumentation, figure: Callable[[records.PerThousandItems], str]) -> str:
    return numbers.UNKNOWN if stage.per_1000_items is None else figure(stage.per_1000_items)


def _plain(value: float | None) -> str:
    return numbers.UNKNOWN if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def stage_columns(currency: str) -> list[Column[records.StageInstrumentation]]:
    """Columns of a table with one row a stage."""
    column = Column[records.StageInstrumentation]
    return [
        column("stage", name, 100, right=False, narrowest=16),
        column("status", _status, 97, right=False),
        column("wall", lambda s: numbers.seconds(s.wall_seconds), 95),
        column("CPU", lambda s: numbers.seconds(cpu(s)), 70),
        column("CPU/wall", _share, 30),
        column("memory", lambda s: numbers.size(s.peak_memory_bytes), 60),
        column("read", lambda s: numbers.size(s.io_read_bytes), 10),
        column("written", lambda s: numbers.size(s.io_write_bytes), 11),
        column("items", lambda s: numbers.count(s.items_out), 40),
        column("s/1k items", lambda s: _per_thousand(s, lambda p: _plain(p.wall_seconds)), 8),
        column("cost/1k items", lambda s: _per_thousand(s, lambda p: numbers.money(p.cost, currency)), 9),
        column("calls", lambda s: numbers.count(s.llm_totals.calls), 65),
        column("tokens in", lambda s: numbers.count(s.llm_totals.prompt_tokens), 80),
        column("out", lambda s: numbers.count(s.llm_totals.completion_tokens), 79),
        column("cost", lambda s: cost(s.llm_totals, currency), 99),
    ]


def progress_columns() -> list[Column[records.StageInstrumentation]]:
    """Columns of how far stages are, for those who watch them."""
    column = Column[records.StageInstrumentation]
    return [
        column("progress", lambda s: _bar(s.progress) if s.progress or not s.spread else _shards(s), 98, right=False),
        column("left", lambda s: numbers.seconds(s.progress.seconds_left if s.progress else None), 96),
        column("per s", lambda s: _plain(s.progress.per_second if s.progress else None), 82),
    ]


def _bar(progress: records.StageProgress | None) -> str:
    """Eight cells and the figure: `████░░░░ 50 %`; of an unknown whole, what is done."""
    if progress is None or progress.current is None:
        return numbers.UNKNOWN
    if progress.percent is None:
        return _plain(progress.current)
    full = int(progress.percent * _CELLS / 100)
    return f"{'█' * full}{'░' * (_CELLS - full)} {progress.percent:.0f} %"


_CELLS = 8


def plain_stage_columns() -> list[Column[records.StageInstrumentation]]:
    """The same for a run that was not metered."""
    return [column for column in stage_columns("USD") if column.title in {"stage", "status", "wall"}]


def shard_columns(currency: str) -> list[Column[records.StageInstrumentation]]:
    """Columns of a table with one row a stage that has shards: how far these lie apart."""
    column = Column[records.StageInstrumentation]

    def wall(figure: Callable[[records.Spread], float]) -> Callable[[records.StageInstrumentation], str]:
        return lambda s: numbers.seconds(figure(s.spread.wall_seconds) if s.spread and s.spread.wall_seconds else None)

    def spent(figure: Callable[[records.MoneySpread], Decimal]) -> Callable[[records.StageInstrumentation], str]:
        return lambda s: numbers.money(figure(s.spread.cost) if s.spread and s.spread.cost else None, currency)

    return [
        column("stage", name, 100, right=False, narrowest=16),
        column("shards", _shards, 99, right=False),
        column("least wall", wall(lambda w: w.least), 80),
        column("median", wall(lambda w: w.median), 90),
        column("most", wall(lambda w: w.most), 95),
        column("least cost", spent(lambda c: c.least), 60),
        column("median", spent(lambda c: c.median), 70),
        column("most", spent(lambda c: c.most), 75),
        column("stragglers", _stragglers, 85, right=False, narrowest=16),
    ]


def with_shards(report: records.RunInstrumentation) -> list[records.StageInstrumentation]:
    """The stages that have shards."""
    return [stage for stage in report.stages if stage.spread]


def _shards(stage: records.StageInstrumentation) -> str:
    if stage.spread is None:
        return numbers.UNKNOWN
    return f"{numbers.count(stage.spread.done)} of {numbers.count(stage.spread.count)} done"


def _stragglers(stage: records.StageInstrumentation) -> str:
    late = stage.spread.stragglers if stage.spread else []
    return ", ".join(map(str, late[:_MOST_NAMED])) + (" …" if len(late) > _MOST_NAMED else "")


_MOST_NAMED = 8

ModelRow = tuple[str, records.ModelTotals]


def model_columns(currency: str) -> list[Column[ModelRow]]:
    """Columns of a table with one row a model."""
    column = Column[ModelRow]
    return [
        column("model", lambda m: brief(m[0]), 100, right=False, narrowest=24),
        column("calls", lambda m: numbers.count(m[1].calls), 90),
        column("tokens in", lambda m: numbers.count(m[1].prompt_tokens), 80),
        column("cached in", lambda m: numbers.count(m[1].cache_read_input_tokens), 30),
        column("out", lambda m: numbers.count(m[1].completion_tokens), 79),
        column("reasoning", lambda m: numbers.count(m[1].reasoning_output_tokens), 20),
        column("cost", lambda m: cost(m[1], currency), 99),
    ]


def by_cost(report: records.RunInstrumentation) -> list[ModelRow]:
    """Models of a run, the most expensive first."""
    return sorted(report.totals.per_model.items(), key=lambda m: (-(m[1].cost or 0), -m[1].prompt_tokens, m[0]))
