"""Whether a run may pass: limits that a person set, and earlier runs that it must not be worse than."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Any

import msgspec

from taximeter import numbers
from taximeter.errors import Problem, SetupError
from taximeter.report import records
from taximeter.report.baseline import headline_figures
from taximeter.report.table import Column

ENOUGH = 3
"""Runs from which noise can be estimated."""

GATED = (
    "wall_seconds",
    "cpu_seconds",
    "peak_memory_bytes",
    "calls",
    "prompt_tokens",
    "completion_tokens",
    "cost",
    "cost_per_1000_items",
)
"""Figures of which more is worse."""

_SIGMAS = 3.0
_MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation (1 / 0.6745)."""


class Check(msgspec.Struct, frozen=True):
    """One figure of the run beside what it may be, in the units of the headline of a report."""

    figure: str
    passed: bool
    value: Any
    limit: Any
    baseline: Any = None
    """Median of the baselines; None if the limit was given."""

    noise: float | None = None
    """Standard deviation of the baselines, estimated from their median absolute deviation; None if they are too few."""


class Verdict(msgspec.Struct, frozen=True):
    """All that was checked."""

    checks: tuple[Check, ...]
    warnings: tuple[str, ...]
    """What makes figures doubtful and fails nothing."""

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(check.passed for check in self.checks)


def check(
    report: records.RunInstrumentation,
    limits: Mapping[str, Any],
    baselines: Sequence[records.RunInstrumentation],
    tolerance: float,
) -> Verdict:
    """Checks the headline of a run: against limits by figure, and against baselines, of which it may exceed the median
    by the tolerance (a fraction), or by the noise of the baselines, whichever is more.

    A figure that is not known fails nothing and is a warning. SetupError for a baseline that cannot be one.
    """
    _check_baselines(report, baselines)
    headlines = [baseline.headline for baseline in baselines if baseline.headline is not None]
    checks = [Check("status", report.status == "done", report.status, "done")]
    warnings = list(_doubts(report, len(headlines)))
    for name in GATED:
        value, known = getattr(report.headline, name), [getattr(headline, name) for headline in headlines]
        bounds = [Check(name, True, value, limits[name])] if limits.get(name) is not None else []
        if known and None not in known:
            bounds.append(_against(name, value, known, tolerance))
        if value is not None:
            checks += (msgspec.structs.replace(bound, passed=value <= bound.limit) for bound in bounds)
        elif bounds:
            warnings.append(f"{name} is not known, so it was not checked.")
    return Verdict(tuple(checks), tuple(warnings))


def _check_baselines(report: records.RunInstrumentation, baselines: Sequence[records.RunInstrumentation]) -> None:
    problems = [
        Problem(f"{baseline.run_id} cannot be a baseline: {reason}", "name another run, or a baseline that was saved")
        for baseline in baselines
        for reason in _unfit(report, baseline)
    ]
    if problems:
        raise SetupError(*problems)


def _unfit(report: records.RunInstrumentation, baseline: records.RunInstrumentation) -> Iterator[str]:
    if baseline.status != "done":
        yield f"it is {baseline.status}"
    if baseline.mocked:
        yield "its stages were mocked"
    if not baseline.metered:
        yield "it was not metered"
    currencies = baseline.pricing.currency, report.pricing.currency
    if currencies[0] != currencies[1]:
        yield f"it is in {currencies[0]}, and the run in {currencies[1]}"


def _against(name: str, value: Any, known: Sequence[Any], tolerance: float) -> Check:
    """The check of a figure that all baselines know."""
    middle = median(known)
    spread = median(abs(one - middle) for one in known)
    noise = _MAD_TO_SIGMA * float(spread) if len(known) >= ENOUGH else None
    slack = max(tolerance * float(middle), _SIGMAS * (noise or 0.0))
    limit = middle + Decimal(repr(slack)) if isinstance(middle, Decimal) else middle + slack
    return Check(name, True, value, limit, middle, noise)


def _doubts(report: records.RunInstrumentation, baselines: int) -> Iterator[str]:
    if report.mocked:
        yield "Its stages were mocked: its figures are not those of the real ones."
    if 0 < baselines < ENOUGH:
        yield f"With fewer than {ENOUGH} baselines their noise is not known: only the tolerance counts."
    yield from unpriced(report)


def unpriced(report: records.RunInstrumentation) -> list[str]:
    """What the cost does not cover."""
    totals = report.totals
    notes = [] if report.metered else ["It was not metered: only its times are known."]
    if count := totals.unpriced_calls + totals.partial_calls:
        notes.append(f"{numbers.plural(count, 'call')} without a full price: the cost is more than it says.")
    if totals.missing_usage_calls:
        notes.append(f"{numbers.plural(totals.missing_usage_calls, 'call')} did not say how many tokens they used.")
    return notes


def columns(currency: str) -> list[Column[Check]]:
    """Columns of a table with one row a check."""
    column = Column[Check]
    return [
        column("", lambda c: "pass" if c.passed else "FAIL", 100, right=False),
        column("figure", lambda c: title(c, currency), 99, right=False),
        column("is", lambda c: text(c, c.value, currency), 98),
        column("at most", lambda c: text(c, c.limit, currency), 97),
        column("because", lambda c: because(c, currency), 50, right=False),
    ]


def title(check: Check, currency: str) -> str:
    """What the figure is called in tables."""
    return headline_figures(currency)[check.figure][0] if check.figure in GATED else check.figure


def text(check: Check, value: Any, currency: str) -> str:
    """A value of the figure in words."""
    if check.figure not in GATED:
        return str(value)
    alike = Decimal(str(value)) if isinstance(check.value, Decimal) else type(check.value)(value)  # noise is a float
    return headline_figures(currency)[check.figure][1](alike)


def because(check: Check, currency: str) -> str:
    """Where the limit comes from."""
    if check.figure not in GATED:
        return "a run that is to pass has ended" if check.figure == "status" else "--on-unpriced fail"
    if check.baseline is None:
        return "set as a limit"
    usual = text(check, check.baseline, currency)
    noise = f", noise {text(check, check.noise, currency)}" if check.noise else ""
    return f"usual is {usual}{noise}"
