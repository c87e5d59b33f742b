"""Whether limits on money can be held at all."""

from __future__ import annotations

from taximeter.errors import Problem, SetupError
from taximeter.pricing.sheet import Sheet
from taximeter.recipe.plan import Plan


def check_money(plan: Plan, sheet: Sheet | None) -> None:
    """Money can only be limited where something has a price: SetupError if the sheet has none."""
    if sheet is None or any(level.entries or level.default for level in sheet.chain()):
        return
    keys = ["budget"] if plan.budget.cost is not None else []
    keys += [f"stages.{stage.id}.budget" for stage in plan.stages if stage.budget.cost is not None]
    message, hint = (
        "the price sheet has no prices, so no cost can be limited",
        "give it prices, or limit tokens or calls",
    )
    if keys:
        raise SetupError(*(Problem(message, hint, key=key) for key in keys))
