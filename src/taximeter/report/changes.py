"""What was changed between two runs: stages, parameters, models, prices, the commit, the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from taximeter import numbers
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.redact import brief, silent, without_secrets
from taximeter.report import records
from taximeter.report.side import Side

Kind = Literal["recipe", "stage", "parameter", "model", "price", "commit", "environment"]


class Change(msgspec.Struct, frozen=True):
    """One thing that is not as it was."""

    kind: Kind
    what: str
    before: str
    """A dash where there was nothing."""

    now: str

    def __str__(self) -> str:
        what = f"{self.kind} {brief(self.what)}".rstrip()
        return f"{what}: {brief(self.before)} → {brief(self.now)}"


def changes(before: Side, after: Side) -> list[Change]:
    """All that the two runs know of themselves and that is not the same, what a person decided first."""
    return [
        *_recipe(before, after),
        *stage_changes(before.plan, after.plan),
        *_models(before.report, after.report),
        *_prices(before.report.pricing, after.report.pricing),
        *_commit(before, after),
        *_environment(before.report.env, after.report.env),
    ]


def _recipe(before: Side, after: Side) -> Iterator[Change]:
    yield from _unequal("recipe", {"name": before.plan.recipe_name}, {"name": after.plan.recipe_name})
    yield from _unequal("recipe", before.plan.input, after.plan.input, "input ")
    yield from _unequal("recipe", before.plan.settings, after.plan.settings, "settings ")
    yield from _unequal("recipe", before.report.tags, after.report.tags, "tag ")


def stage_changes(before: Plan, after: Plan) -> Iterator[Change]:
    """Stages and parameters that are not the same in two plans."""
    old = {stage.id: stage for stage in before.stages}
    new = {stage.id: stage for stage in after.stages}
    for stage_id in dict.fromkeys([*old, *new]):
        was, is_now = old.get(stage_id), new.get(stage_id)
        if was is None or is_now is None:
            yield Change("stage", stage_id, *("there" if side else numbers.UNKNOWN for side in (was, is_now)))
            continue
        yield from _unequal("stage", _made_of(was), _made_of(is_now), f"{stage_id} ")
        yield from _unequal("parameter", was.params, is_now.params, f"{stage_id}.")


def _made_of(stage: PlannedStage) -> dict[str, Any]:
    """What a person wrote of a stage, without its parameters."""
    return {
        "module": stage.module_id,
        "command": stage.command if isinstance(stage.command, str) else list(stage.command),
        "inputs": {name: source.stage or source.path for name, source in stage.inputs.items()},
        "mocked": stage.mocked,
        "cpus": stage.cpus,
        "gpus": stage.gpus,
        "timeout": stage.timeout,
    }


def _models(before: records.RunInstrumentation, after: records.RunInstrumentation) -> Iterator[Change]:
    old, new = ({stage.id: stage for stage in report.stages} for report in (before, after))
    for stage_id in old.keys() & new.keys():
        names = [", ".join(sorted(side[stage_id].llm_totals.per_model)) or numbers.UNKNOWN for side in (old, new)]
        if names[0] != names[1]:
            yield Change("model", "(outside stages)" if stage_id is None else stage_id, names[0], names[1])


def _prices(before: records.Pricing, after: records.Pricing) -> Iterator[Change]:
    old, new = (_by_model(pricing.models) for pricing in (before, after))
    for model in sorted(old.keys() & new.keys()):
        yield from _unequal("price", _rates(old[model]), _rates(new[model]), f"{model} ")
    yield from _unequal("price", {"currency": before.currency}, {"currency": after.currency})
    yield from _unequal("price", {"sheet": _sheet(before)}, {"sheet": _sheet(after)})


def _by_model(entries: Mapping[str, records.Rates]) -> dict[str, records.Rates]:
    """Rates by model: `openai/gpt-5@2026-10-14` is what gpt-5 costs from a day on, and elsewhere it is named otherwise.

    A model that had several rates in one run keeps the names of its entries.
    """
    short = {name: (name.partition("/")[2] or name).partition("@")[0] for name in entries}
    several = Counter(short.values())
    return {model if several[model] == 1 else name: entries[name] for name, model in short.items()}


def _rates(rates: records.Rates) -> dict[str, str]:
    if rates.free:
        return {"is": "free"}
    return {unit: _rate(unit, rate) for unit, rate in rates.units.items()}


def _rate(unit: str, rate: records.UnitRate) -> str:
    """Tokens by the million, however a sheet counts them."""
    if unit.endswith("tokens"):
        return f"{numbers.exact(rate.rate * 1_000_000 / rate.per)} per 1,000,000"
    return f"{numbers.exact(rate.rate)} per {rate.per:,}"


def _sheet(pricing: records.Pricing) -> str | None:
    return pricing.sheet_id and pricing.sheet_id[:12]


def _commit(before: Side, after: Side) -> Iterator[Change]:
    old, new = ({"": git and f"{git.sha[:12]}{' and changes' if git.dirty else ''}"} for git in (before.git, after.git))
    yield from _unequal("commit", old, new)


def _environment(before: records.Env, after: records.Env) -> Iterator[Change]:
    yield from _unequal("environment", msgspec.structs.asdict(before), msgspec.structs.asdict(after))


def _unequal(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield Change(kind, f"{prefix}{key}".strip(), _text(key, old), _text(key, new))


def _text(key: str, value: Any) -> str:
    if value is None:
        return numbers.UNKNOWN
    if isinstance(value, str):
        return str(silent(value, key))
    return without_secrets(msgspec.json.encode(silent(value, key)).decode())
