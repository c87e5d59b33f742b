"""How figures and foreign text are put into words, the same in every rendering."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

from taximeter import numbers
from taximeter.report import schemas

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_COST_FORMS = {"priced": "{}", "estimated": "~{}", "partial": "≥{}"}


def visible(text: str) -> str:
    """Foreign text with everything that is not a letter, a sign or a blank made visible: shown, never interpreted."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cost(totals: schemas.ModelTotals, currency: str) -> str:
    """Money of totals with its certainty."""
    return cost_text(totals.cost, totals.cost_status, currency)


def cost_text(amount: Decimal | None, status: schemas.CostStatus | None, currency: str) -> str:
    """Money with its certainty: `$0.05`, `~$0.05` (estimated), `≥$0.05` (a part has no price), `unpriced`."""
    if status is None:
        return numbers.UNKNOWN
    if status == "unpriced":
        return "unpriced"
    return _COST_FORMS[status].format(numbers.money(amount, currency))


def cpu(stage: schemas.Measured | schemas.RunInstrumentation) -> float | None:
    """CPU seconds, user and system together."""
    if stage.cpu_user_seconds is None or stage.cpu_system_seconds is None:
        return None
    return stage.cpu_user_seconds + stage.cpu_system_seconds


def name(stage: schemas.StageInstrumentation) -> str:
    """A stage as a table names it."""
    return "(outside stages)" if stage.id is None else visible(stage.id)


def plural(count: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{numbers.count(count)} {noun}{'' if count == 1 else 's'}"


def headline(report: schemas.RunInstrumentation) -> list[str]:
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
        plural(totals.calls, "call"),
        f"{numbers.count(totals.prompt_tokens)} tokens in",
        f"{numbers.count(totals.completion_tokens)} out",
        f"cost {cost(totals, report.pricing.currency)}",
    ]
