"""Chat completions as OpenAI made them, and as every compatible server speaks them (vLLM, llama.cpp, OpenRouter, ...).

`prompt_tokens` includes cached tokens, `completion_tokens` includes reasoning, `total_tokens` is their sum.
Source: the types of openai 3.57 (`types/completion_usage.py`); fields of others are named where they are read.
"""

from __future__ import annotations

from decimal import Decimal

from taximeter.normalize.fields import ELSEWHERE, Fields, Table, count, fields, money, sort, text, total, usage
from taximeter.normalize.reading import Reading, doubts, unequal

PROMPT: Table = {
    "cached_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_write_input_tokens",
    "text_tokens": "text_input_tokens",
    "image_tokens": "image_input_tokens",
    "audio_tokens": "audio_input_tokens",
    "video_tokens": "video_input_tokens",
}
USAGE: Table = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "total_tokens": "total",
    "prompt_tokens_details": PROMPT,
    "completion_tokens_details": {
        "reasoning_tokens": "reasoning_output_tokens",
        "text_tokens": "text_output_tokens",
        "image_tokens": "image_output_tokens",
        "audio_tokens": "audio_output_tokens",
        "video_tokens": "video_output_tokens",
        "accepted_prediction_tokens": ELSEWHERE,  # billed as any other output
        "rejected_prediction_tokens": ELSEWHERE,
    },
    "prompt_cache_hit_tokens": "cache_read_input_tokens",  # DeepSeek
    "prompt_cache_miss_tokens": ELSEWHERE,
    "cost": ELSEWHERE,
    "is_byok": ELSEWHERE,
    "cost_in_usd_ticks": ELSEWHERE,
}
_XAI = ("x-ai", "xai", "x_ai")
SUM = "prompt_tokens + completion_tokens"
_OWN_NAMES = ("gpt-3", "gpt-4", "gpt-5", "gpt-6", "o1", "o3", "o4", "chatgpt-", "ft:gpt-")


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a chat completion, of a text completion, or of a chunk of either."""
    response = fields(body)
    given, model = fields(response.get("usage")), text(response, "model")
    found: dict[str, int] = {}
    unknown = sort(given, USAGE, found)
    told = found.pop("total", None)
    broken = unequal("total_tokens", told, SUM, found.get("input_tokens"), found.get("output_tokens"))
    if broken and _is_xai(provider, model):
        broken = _with_thoughts(found, told, broken)
    used = usage(found)
    reading = Reading(
        usage=used,
        provider=provider or provider_of(model),
        operation="text_completion" if response.get("object") == "text_completion" else "chat",
        response_model=model,
        response_id=text(response, "id"),
        service_tier=text(response, "service_tier"),
        provider_cost=billed(given),
        usage_raw=unknown,
        inconsistent=doubts(used, broken),
    )
    return (reading,)


def provider_of(model: str | None) -> str | None:
    """Who answers with a model of this name; None if many may."""
    return "openai" if model and model.startswith(_OWN_NAMES) else None


def billed(given: Fields) -> Decimal | None:
    """What OpenRouter, LiteLLM (a number), Perplexity (an object) or xAI (1e-10 USD) say the call cost."""
    ticks = count(given, "cost_in_usd_ticks")
    if ticks is not None:
        return Decimal(ticks).scaleb(-10)
    if "cost" not in given or given.get("is_byok"):  # with a key of one's own, OpenRouter's cost is only its fee
        return None
    itemized = fields(given["cost"])
    return money(itemized, "total_cost") if itemized else money(given, "cost")


def _is_xai(provider: str | None, model: str | None) -> bool:
    return provider in _XAI or (model is not None and model.startswith("grok"))


def _with_thoughts(found: dict[str, int], told: int | None, broken: str) -> str | None:
    """xAI counts reasoning beside the completion, and total = prompt + completion + reasoning."""
    output = total("completion_tokens", found.get("output_tokens"), found.get("reasoning_output_tokens"))
    if output is None or told != found.get("input_tokens", 0) + output:
        return broken
    found["output_tokens"] = output
    return None
