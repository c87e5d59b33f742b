"""Totals as a report shows them: leaves of the ledger rolled up, and single calls."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import msgspec

from taximeter.clock import iso
from taximeter.events import META_TERMS, CallEvent
from taximeter.ledger.top import PricedCall
from taximeter.pricing.cost import STANDARD_RATE, Cost
from taximeter.report import records
from taximeter.totals import NOTHING, Totals
from taximeter.usage import OPEN_COUNTS, SUBSETS

_OPEN = ("cache_write_by_ttl", "modality_tokens", "counters")
_SAME = tuple(
    name for name in records.ModelTotals.__struct_fields__ if name in Totals.__struct_fields__ and name not in _OPEN
)


def roll_up(leaves: Iterable[tuple[str, Totals]]) -> records.Totals:
    """The sum of all leaves (model, totals), and the sums by model, in the order of their names."""
    per_model: dict[str, Totals] = {}
    for model, totals in leaves:
        per_model[model] = per_model.get(model, NOTHING) + totals
    whole = msgspec.structs.asdict(model_totals(reduce(add, per_model.values(), NOTHING)))
    return records.Totals(**whole, per_model={model: model_totals(per_model[model]) for model in sorted(per_model)})


def model_totals(totals: Totals) -> records.ModelTotals:
    """Totals in the words of a report."""
    same: dict[str, Any] = {name: getattr(totals, name) for name in _SAME}
    return records.ModelTotals(
        **same | {name: dict(getattr(totals, name)) for name in _OPEN},
        cost_status=totals.cost_status,
        prompt_tokens=totals.input_tokens,
        completion_tokens=totals.output_tokens,
        saved=records.Saved(prompt_tokens=totals.saved_input_tokens, completion_tokens=totals.saved_output_tokens),
    )


def _rules(cost: Cost) -> list[str] | None:
    """What made the rates other than the standard ones."""
    rules = dict.fromkeys(item.rule for item in cost.line_items if item.rule != STANDARD_RATE)
    return list(rules) or None


def _speed(call: CallEvent) -> float | None:
    """Output tokens by the seconds that the request took; None if either is not known."""
    output = call.usage.output_tokens
    return None if output is None or not call.request_ms else round(output / call.request_ms * 1000, 3)


def call_record(priced: PricedCall) -> records.LLMCallUsage:
    """One call in the words of a report, with what it cost."""
    call, cost = priced.call, priced.cost
    counts: dict[str, Any] = {name: getattr(call.usage, name) for name in SUBSETS}
    counts |= {name: dict(getattr(call.usage, name)) or None for name in OPEN_COUNTS}
    terms: dict[str, Any] = {n: term for n in META_TERMS if isinstance(term := (call.meta or {}).get(n), str)}
    return records.LLMCallUsage(
        kind=call.kind,
        model=call.model,
        provider=call.provider,
        prompt_tokens=call.usage.input_tokens,
        completion_tokens=call.usage.output_tokens,
        **counts,
        inconsistent=list(call.inconsistent) or None,
        cached=call.cached,
        request_ms=call.request_ms,
        ttft_ms=call.ttft_ms,
        tokens_per_second=_speed(call),
        tries=call.tries,
        stream=call.stream,
        request_id=call.request_id,
        status=call.status,
        cost=cost.amount,
        cost_status=cost.status,
        cost_reason=cost.reason,
        cost_rules=_rules(cost),
        stage_id=call.stage_id,
        run_id=call.run_id,
        attempt=call.attempt,
        shard=call.shard,
        created_at=None if call.started_at is None else iso(call.started_at),
        response_model=call.response_model,
        processing=call.processing,
        service_tier=call.service_tier,
        region=call.region,
        **terms,
        tags=call.tags,
    )
