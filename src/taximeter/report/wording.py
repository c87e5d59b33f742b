"""How figures and foreign text are put into words, the same in every rendering."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from taximeter import numbers
from taximeter.redact import brief, visible

if TYPE_CHECKING:
    from taximeter.report import records

_COST_FORMS = {"priced": "{}", "estimated": "~{}", "partial": "≥{}"}


def cost(totals: records.ModelTotals, currency: str) -> str:
    """Money of totals with its certainty."""
    return cost_text(totals.cost, totals.cost_status, currency)


def cost_text(amount: Decimal | None, status: records.CostStatus | None, currency: str) -> str:
    """Money with its certainty: `$0.05`, `~$0.05` (estimated), `≥$0.05` (a part has no price), `unpriced`."""
    if status is None:
        return numbers.UNKNOWN
    if status == "unpriced":
        return "unpriced"
    return _COST_FORMS[status].format(numbers.money(amount, visible(currency)))


def local_minute(iso: str | None) -> str:
    """A moment (ISO 8601) as a clock on this machine's wall has it: `2026-11-26 17:35`."""
    if iso is None:
        return numbers.UNKNOWN
    try:
        return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):  # a foreign line: what it says is shown as it is
        return visible(iso[:16])


def cpu(stage: records.Measured | records.RunInstrumentation) -> float | None:
    """CPU seconds, user and system together, as they stand in `cpu_user_seconds` where they are not told apart."""
    return None if stage.cpu_user_seconds is None else stage.cpu_user_seconds + (stage.cpu_system_seconds or 0.0)


def name(stage: records.StageInstrumentation) -> str:
    """A stage as a table names it."""
    return "(outside stages)" if stage.id is None else brief(stage.id)


def headline(report: records.RunInstrumentation) -> list[str]:
    """What the run took and cost, a phrase each."""
    peaks = [stage.peak_memory_bytes for stage in report.stages if stage.peak_memory_bytes is not None]
    phrases = [report.status, f"wall {numbers.seconds(report.wall_seconds)}"]
    if not report.metered:
        return [*phrases, "not metered"]
    totals = report.totals
    return [
        *phrases,
        f"CPU {numbers.seconds(cpu(report))}",
        f"largest stage {numbers.size(max(peaks, default=None))}",
        numbers.plural(totals.calls, "call"),
        f"{numbers.count(totals.prompt_tokens)} tokens in",
        f"{numbers.count(totals.completion_tokens)} out",
        f"cost {cost(totals, report.pricing.currency)}",
    ]
