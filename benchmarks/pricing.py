"""What it takes to price a call: ours beside genai-prices and, where it is installed, litellm; in one run, in turns.

`python benchmarks/pricing.py` prints a table of CPU times and ratios, then prices and totals a million calls of forty
models in one pass. litellm is not a dependency: run it in an environment of its own that has both.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from taximeter.events import CallEvent
from taximeter.pricing.builtin import built_in
from taximeter.pricing.price import price
from taximeter.totals import total_by
from taximeter.usage import Usage

ROUNDS, CALLS = 21, 500
AT = datetime(2026, 11, 20, tzinfo=UTC)
MODEL, PROVIDER = "claude-sonnet-4-5", "anthropic"
USAGE = Usage(12_307, 550, 12_304)
SHEET = built_in()


def ours() -> None:
    call = CallEvent(event_id=("b", 0), model=MODEL, provider=PROVIDER, usage=USAGE, started_at=AT.timestamp())
    for _ in range(CALLS):
        price(call, SHEET)


def genai_prices() -> None:
    import genai_prices

    usage = genai_prices.Usage(input_tokens=12_307, output_tokens=550, cache_read_tokens=12_304)
    for _ in range(CALLS):
        genai_prices.calc_price(usage, MODEL, provider_id=PROVIDER, genai_request_timestamp=AT)


def litellm() -> None:
    import litellm

    for _ in range(CALLS):
        litellm.cost_per_token(model=MODEL, prompt_tokens=12_307, completion_tokens=550, cache_read_input_tokens=12_304)


def candidates() -> list[Callable[[], None]]:
    found = [ours, genai_prices]
    try:
        import litellm as _litellm
    except ImportError:
        return found
    assert _litellm
    return [*found, litellm]


def compare() -> None:
    taken: dict[str, list[float]] = {}
    tried = candidates()
    for candidate in tried:
        candidate()
    for _ in range(ROUNDS):
        for candidate in tried:
            begin = time.thread_time()
            candidate()
            taken.setdefault(candidate.__name__, []).append((time.thread_time() - begin) / CALLS * 1e6)
    print("| | median | ratio | fastest | ratio |\n|---|--:|--:|--:|--:|")
    ours_median, ours_best = statistics.median(taken["ours"]), min(taken["ours"])
    for name, times in taken.items():
        median, best = statistics.median(times), min(times)
        print(f"| {name} | {median:.2f} µs | {median / ours_median:.1f} | {best:.2f} µs | {best / ours_best:.1f} |")


def many() -> Iterator[CallEvent]:
    models = [(entry.match[0].text, entry.provider) for entry in SHEET.entries[:40]]
    for number in range(1_000_000):
        model, provider = models[number % 40]
        usage = Usage(1000 + number % 7000, number % 500)
        yield CallEvent(event_id=("b", number), model=model, provider=provider, usage=usage, started_at=AT.timestamp())


def a_million() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    totals = total_by(((call, price(call, SHEET)) for call in many()), lambda call: call.model)
    took = time.process_time() - begin
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    cost = sum(total.cost or 0 for total in totals.values())
    print(f"\na million calls of {len(totals)} models: {took:.1f} s of CPU, {grown / 1024:.1f} MB more, {cost} USD")


if __name__ == "__main__":
    compare()
    a_million()
