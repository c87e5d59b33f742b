"""A run beside an earlier one: each headline figure with its difference."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from taximeter import numbers
from taximeter.report import records
from taximeter.report.table import Column


class Difference(msgspec.Struct, frozen=True):
    """One figure of two runs, in words."""

    figure: str
    before: str
    now: str
    change: str
    """Signed, and in percent; unknown if either is."""


def against(report: records.RunInstrumentation, baseline: records.RunInstrumentation) -> records.RunInstrumentation:
    """The report with the headline of the run that it is compared with."""
    return msgspec.structs.replace(report, baseline=baseline.headline)


def differences(report: records.RunInstrumentation) -> list[Difference]:
    """All headline figures of a report and of its baseline; none without one."""
    now, before, currency = report.headline, report.baseline, report.pricing.currency
    if now is None or before is None:
        return []
    shown = headline_figures(currency)
    return [
        Difference(title, text(old), text(new), _change(old, new))
        for field, (title, text) in shown.items()
        for old, new in [(getattr(before, field), getattr(now, field))]
    ]


def headline_figures(currency: str) -> dict[str, tuple[str, Callable[[Any], str]]]:
    """Name and wording of each figure of a headline by which runs are compared."""

    def money(amount: Decimal | None) -> str:
        return numbers.money(amount, currency)

    return {
        "wall_seconds": ("wall", numbers.seconds),
        "cost": ("cost", money),
        "prompt_tokens": ("tokens in", numbers.count),
        "cache_read_input_tokens": ("cached in", numbers.count),
        "completion_tokens": ("tokens out", numbers.count),
        "embedding_tokens": ("embedding tokens", numbers.count),
        "calls": ("calls", numbers.count),
        "peak_memory_bytes": ("peak memory", numbers.size),
        "cpu_seconds": ("CPU", numbers.seconds),
        "parallelism": ("parallel efficiency", lambda times: f"{times:.2f}x" if times is not None else numbers.UNKNOWN),
        "cost_per_1000_items": ("cost/1k items", money),
    }


def differences_columns() -> list[Column[Difference]]:
    """Columns of a table with one row a figure."""
    column = Column[Difference]
    return [
        column("figure", lambda d: d.figure, 100, right=False),
        column("before", lambda d: d.before, 90),
        column("now", lambda d: d.now, 95),
        column("change", lambda d: d.change, 99),
    ]


def _change(old: Any, new: Any) -> str:
    if old is None or new is None:
        return numbers.UNKNOWN
    if old == new:
        return "same"
    return f"{100 * (Decimal(new) - Decimal(old)) / Decimal(old):+.1f} %" if old else "new"
