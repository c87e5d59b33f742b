"""What a run over more items would take and cost, from runs that are over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.numbers import plural
from taximeter.recipe.plan import Plan
from taximeter.report import records
from taximeter.report.changes import stage_changes
from taximeter.report.side import Side
from taximeter.report.wording import cpu

_APART = 1.5
"""Sizes that differ by this factor tell what is fixed and what grows; closer ones tell only noise."""

_FAR = 10
"""An estimate for more items than so many times the largest run is a guess."""


class Guess(msgspec.Struct, frozen=True):
    """One figure of a bigger run; all None if the runs do not know it."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    """What is foretold at least and at most with one of the runs left out; None of a single run."""


class StageEstimate(msgspec.Struct, frozen=True):
    """One stage of a bigger run."""

    stage_id: str
    wall_seconds: Guess
    cpu_seconds: Guess
    calls: Guess
    tokens: Guess
    cost: Guess
    runs: int
    """How many runs knew the stage."""


class Estimate(msgspec.Struct, frozen=True):
    """A bigger run."""

    items: int
    sizes: tuple[int, ...]
    """Items of the runs it is made from."""

    currency: str
    stages: tuple[StageEstimate, ...]
    wall_seconds: Guess
    """Of the whole run, in which stages may run side by side."""

    cost: Guess
    assumptions: tuple[str, ...]
    doubts: tuple[str, ...]
    """Where the runs do not support it."""


def estimate(plan: Plan, sides: Sequence[Side], items: int) -> Estimate:
    """Foretells each figure of each stage of the plan for so many items at its beginning.

    A figure grows with the items: in proportion, or along a line (least squares, neither end below zero) where the
    sizes of the runs are far enough apart. SetupError if no run says how many items it had.
    """
    problems = [problem for side in sides for problem in _unfit(side)]
    if problems:
        raise SetupError(*problems)
    sizes = [_size(side.report) for side in sides]
    stages = tuple(_stage(stage.id, sides, sizes, items) for stage in plan.stages)
    walls = [(size, side.report.wall_seconds) for side, size in zip(sides, sizes, strict=True)]
    return Estimate(
        items=items,
        sizes=tuple(sizes),
        currency=sides[0].report.pricing.currency,
        stages=stages,
        wall_seconds=_guess(walls, items),
        cost=_sum([stage.cost for stage in stages]),
        assumptions=tuple(_assumptions(sizes)),
        doubts=tuple(dict.fromkeys(_doubts(plan, sides, sizes, items, stages))),
    )


def _unfit(side: Side) -> Iterator[Problem]:
    report = side.report
    hint = "name a run that is done and was metered"
    if report.status != "done":
        yield Problem(f"nothing can be foretold from {side.name}: it is {report.status}", hint)
    if report.mocked:
        yield Problem(f"nothing can be foretold from {side.name}: its stages were mocked", hint)
    if not _size(report):
        how = "artifacts of JSON lines are counted, and stages can tell with taximeter.items(n)"
        yield Problem(f"nobody knows how many items {side.name} had", how)


def _size(report: records.RunInstrumentation) -> int:
    """Items at the beginning of a pipeline: what the first stage that knows read, or else made."""
    return next((count for stage in report.stages if (count := stage.items_in or stage.items_out)), 0)


def _stage(stage_id: str, sides: Sequence[Side], sizes: Sequence[int], items: int) -> StageEstimate:
    known = [
        (size, stage)
        for side, size in zip(sides, sizes, strict=True)
        for stage in side.report.stages
        if stage.id == stage_id and stage.status == "done"
    ]
    return StageEstimate(
        stage_id=stage_id,
        wall_seconds=_guess([(size, stage.wall_seconds) for size, stage in known], items),
        cpu_seconds=_guess([(size, cpu(stage)) for size, stage in known], items),
        calls=_guess([(size, stage.llm_totals.calls) for size, stage in known], items),
        tokens=_guess([(size, _tokens(stage.llm_totals)) for size, stage in known], items),
        cost=_guess([(size, _cost(stage.llm_totals)) for size, stage in known], items),
        runs=len(known),
    )


def _tokens(totals: records.Totals) -> int:
    return totals.prompt_tokens + totals.completion_tokens


def _cost(totals: records.Totals) -> Decimal | None:
    return totals.cost if totals.calls else Decimal(0)


def _guess(figures: Sequence[tuple[int, float | Decimal | None]], items: int) -> Guess:
    """The figure for so many items, from figures of known sizes."""
    points = [(size, float(figure)) for size, figure in figures if figure is not None]
    if not points:
        return Guess()
    best, others = _foretold(points, items)
    if len(points) == 1:
        return Guess(_round(best))
    return Guess(_round(best), _round(min(best, *others)), _round(max(best, *others)))


def _foretold(points: Sequence[tuple[int, float]], items: int) -> tuple[float, list[float]]:
    """What all runs together foretell; and what is foretold without one of them, or by one of them alone."""
    alone = [figure * items / size for size, figure in points]
    if not _are_apart([size for size, _ in points]):
        return sum(figure for _, figure in points) * items / sum(size for size, _ in points), alone
    best = _on_a_line(points, items)
    without = [[*points[:i], *points[i + 1 :]] for i in range(len(points))]
    lines = [_on_a_line(rest, items) for rest in without if len(rest) > 1 and _are_apart([size for size, _ in rest])]
    return best, lines or [alone[points.index(max(points))]]


def _round(value: float) -> float:
    """Six digits: a guess has no more."""
    return float(f"{value:.6g}")


def _are_apart(sizes: Sequence[int]) -> bool:
    return max(sizes) >= _APART * min(sizes)


def _on_a_line(points: Sequence[tuple[int, float]], items: int) -> float:
    """Least squares with a fixed part and a part per item, neither of them negative."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    slope = max(slope, 0.0)
    fixed = mean_y - slope * mean_x
    if fixed < 0:  # then through the origin
        return items * sum(x * y for x, y in points) / sum(x * x for x, _ in points)
    return fixed + slope * items


def _sum(guesses: Sequence[Guess]) -> Guess:
    """Of all stages; not known if one of them is not."""
    values = [guess.value for guess in guesses]
    ends = [(guess.low, guess.high) for guess in guesses]
    if None in values:
        return Guess()
    if any(None in pair for pair in ends):
        return Guess(_round(sum(value or 0.0 for value in values)))
    return Guess(
        _round(sum(value or 0.0 for value in values)),
        _round(sum(low or 0.0 for low, _ in ends)),
        _round(sum(high or 0.0 for _, high in ends)),
    )


def _assumptions(sizes: Sequence[int]) -> Iterator[str]:
    yield "Items are counted where the pipeline begins; models, parameters, prices and the machine stay as they were."
    if len(sizes) > 1 and _are_apart(sizes):
        yield "Each figure has a fixed part and a part per item, found from runs of different sizes."
    else:
        yield "Each figure grows in proportion to the items: no fixed part can be told from runs of one size."


def _doubts(
    plan: Plan, sides: Sequence[Side], sizes: Sequence[int], items: int, stages: Sequence[StageEstimate]
) -> Iterator[str]:
    if len(sides) == 1:
        yield "A single run shows no range: name more of them."
    if items > _FAR * max(sizes):
        yield f"{plural(items, 'item')} are more than {_FAR} times those of the largest run: this is a guess."
    for stage in stages:
        if not stage.runs:
            yield f"No run has done the stage {stage.stage_id}: it is in no figure."
        elif stage.cost.value is None:
            yield f"The calls of {stage.stage_id} have no price: the cost is not known."
    if len({side.report.pricing.currency for side in sides}) > 1:
        yield "The runs are priced in different currencies: the cost means nothing."
    for side in sides:
        if side.report.totals.cost_status == "partial":
            yield f"The cost of {side.name} is not complete: it will be more."
        if reused := [stage.id or "" for stage in side.report.stages if stage.reused_from]:
            yield f"{side.name} took these from another run, so their figures are missing: {', '.join(reused)}."
        for change in stage_changes(side.plan, plan):
            yield f"Not as in {side.name}: {change}"
