"""Chat completions as OpenAI made them, and as every compatible server speaks them (vLLM, llama.cpp, OpenRouter, ...).

`prompt_tokens` includes cached tokens, `completion_tokens` includes reasoning, `total_tokens` is their sum.
Source: the types of openai 3.57 (`types/completion_usage.py`); fields of others are named where they are read.
"""

from __future__ import annotations

from decimal import Decimal

from taximeter.normalize.fields import Fields, count, fields, money, text, total, unknown
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import Usage

USAGE = frozenset({
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details",
    "prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "cost", "is_byok",
})  # fmt: skip
PROMPT = frozenset({
    "cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "text_tokens", "video_tokens",
})  # fmt: skip
COMPLETION = frozenset({
    "reasoning_tokens", "audio_tokens", "image_tokens", "text_tokens", "video_tokens",
    "accepted_prediction_tokens", "rejected_prediction_tokens",  # billed as any other output
})  # fmt: skip
_OWN_NAMES = ("gpt-3", "gpt-4", "gpt-5", "gpt-6", "o1", "o3", "o4", "chatgpt-", "ft:gpt-")


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a chat completion, of a text completion, or of a chunk of either."""
    response = fields(body)
    return (reading(response, fields(response.get("usage")), provider),)


def reading(response: Fields, given: Fields, provider: str | None = None) -> Reading:
    """The reading of a response whose usage is `given`."""
    model = text(response, "model")
    usage, broken = read_usage(given, thinks_apart=provider == "x-ai" or (model or "").startswith("grok"))
    return Reading(
        usage=usage,
        provider=provider or ("openai" if model and model.startswith(_OWN_NAMES) else None),
        operation="text_completion" if text(response, "object") == "text_completion" else "chat",
        response_model=model,
        response_id=text(response, "id"),
        service_tier=text(response, "service_tier"),
        provider_cost=_billed(given),
        usage_raw=unknown(given, USAGE, prompt_tokens_details=PROMPT, completion_tokens_details=COMPLETION),
        inconsistent=doubts(usage, broken),
    )


def read_usage(given: Fields, *, thinks_apart: bool = False) -> tuple[Usage, str | None]:
    """The counts of a usage, and the identity that does not hold.

    `thinks_apart`: the server counts reasoning beside the completion (xAI: total = prompt + completion + reasoning).
    """
    prompt, completion = fields(given.get("prompt_tokens_details")), fields(given.get("completion_tokens_details"))
    input_tokens, output_tokens = count(given, "prompt_tokens"), count(given, "completion_tokens")
    told, reasoning = count(given, "total_tokens"), count(completion, "reasoning_tokens")
    broken = unequal("total_tokens", told, "prompt_tokens + completion_tokens", input_tokens, output_tokens)
    if broken and thinks_apart and told == total("total_tokens", input_tokens, output_tokens, reasoning):
        output_tokens, broken = total("completion_tokens", output_tokens, reasoning), None
    cached = count(prompt, "cached_tokens")
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_input_tokens=count(given, "prompt_cache_hit_tokens") if cached is None else cached,  # DeepSeek
        cache_write_input_tokens=count(prompt, "cache_write_tokens"),
        reasoning_output_tokens=reasoning,
        text_input_tokens=count(prompt, "text_tokens"),
        image_input_tokens=count(prompt, "image_tokens"),
        audio_input_tokens=count(prompt, "audio_tokens"),
        video_input_tokens=count(prompt, "video_tokens"),
        text_output_tokens=count(completion, "text_tokens"),
        image_output_tokens=count(completion, "image_tokens"),
        audio_output_tokens=count(completion, "audio_tokens"),
        video_output_tokens=count(completion, "video_tokens"),
    )
    return usage, broken


def _billed(given: Fields) -> Decimal | None:
    """What OpenRouter, LiteLLM (a number) or Perplexity (an object) say the call cost."""
    if "cost" not in given or given.get("is_byok"):  # with a key of one's own, OpenRouter's cost is only its fee
        return None
    itemized = fields(given["cost"])
    return money(itemized, "total_cost") if itemized else money(given, "cost")
