"""Prices every model of genai-prices by both, over a grid of usages and kinds of requests, and lists what disagrees.

`python benchmarks/crosscheck_prices.py` prints a count for each reason, with an example; docs/pricing.md explains them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from genai_prices import Usage as TheirUsage
from genai_prices.data import providers

from taximeter.events import CallEvent
from taximeter.pricing import genai
from taximeter.pricing.cost import twelve_places
from taximeter.pricing.price import price
from taximeter.pricing.sheet import decode_sheet
from taximeter.usage import Usage, counts

TIMES = [datetime(2025, 1, 15, 2, tzinfo=UTC), datetime(2026, 11, 20, 18, tzinfo=UTC)]
KINDS: list[dict[str, str]] = [{}, {"processing": "batch"}, {"service_tier": "flex"}]
GRID: list[tuple[Usage, dict[str, int]]] = [
    (Usage(1000, 500), {"input_tokens": 1000, "output_tokens": 500}),
    (
        Usage(300_000, 500, 100_000),
        {"input_tokens": 300_000, "output_tokens": 500, "cache_read_tokens": 100_000},
    ),
    (
        Usage(5000, 5, None, 3000, cache_write_by_ttl=counts({"5m": 1000, "1h": 2000})),
        {
            "input_tokens": 5000,
            "output_tokens": 5,
            "cache_write_tokens": 3000,
            "cache_write_5m_tokens": 1000,
            "cache_write_1h_tokens": 2000,
        },
    ),
    (
        Usage(1000, 500, counters=counts({"web_searches": 3})),
        {"input_tokens": 1000, "output_tokens": 500, "web_searches": 3},
    ),
    (
        Usage(1000, 500, audio_input_tokens=400),
        {"input_tokens": 1000, "output_tokens": 500, "input_audio_tokens": 400},
    ),
]


def differences() -> Iterator[tuple[str, str]]:
    """Why, and an example, for each pair of prices; `same` where they agree."""
    world = decode_sheet(genai.compiled())
    for provider in providers:
        for model in provider.models:
            entry = next(e for e in world.entries if e.name == f"{provider.id}/{model.id}")
            if (name := next((p.text for p in entry.match if p.kind in ("equals", "starts_with")), None)) is None:
                yield "no name that can be asked for", entry.name
                continue
            found = provider.find_model(name, all_providers=providers)
            if found is None or found.id != model.id:
                yield "its name means another model", entry.name
                continue
            for at in TIMES:
                for kind in KINDS:
                    for usage, theirs in GRID:
                        call = CallEvent(
                            event_id=("x", 0),
                            model=name,
                            provider=provider.id,
                            usage=usage,
                            started_at=at.timestamp(),
                            **kind,
                        )
                        ours = price(call, world)
                        try:
                            paid = model.calc_price(
                                TheirUsage(**theirs), provider, genai_request_timestamp=at, price_context=kind
                            ).total_price
                        except ValueError as error:
                            yield f"genai-prices refuses, we say {ours.status}", f"{entry.name} {error}"
                            continue
                        yield _verdict(ours.amount, ours.status, ours.reason, paid), f"{entry.name} {kind} {theirs}"


def _verdict(amount: Decimal | None, status: str, reason: str | None, paid: Decimal) -> str:
    if amount is not None and abs(amount - twelve_places(paid)) <= Decimal("1e-11"):
        return "same" if status == "priced" else f"same amount, we say {status}: {reason}"
    return f"other amount, we say {status}: {reason}"


if __name__ == "__main__":
    tally: Counter[str] = Counter()
    example: dict[str, str] = {}
    for why, where in differences():
        tally[why] += 1
        example.setdefault(why, where)
    for why, count in tally.most_common():
        print(f"{count:7}  {why}\n         e.g. {example[why]}")
