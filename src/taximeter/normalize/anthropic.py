"""Anthropic Messages: `input_tokens` counts only what was neither read from the cache nor written to it.

All input is `input_tokens + cache_read_input_tokens + cache_creation_input_tokens`; thinking is contained in
`output_tokens`. In a beta, `iterations` tells each turn with its own model; what compaction and an advisor used stands
only there.
Source: the types of anthropic 2.14 (`types/usage.py`, `types/beta/beta_usage.py` and `beta_*_iteration_usage.py`).
"""

from __future__ import annotations

import msgspec

from taximeter.normalize.fields import Fields, count, counters, fields, items, lifetimes, text, total, unknown
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import Usage

_USAGE = frozenset({
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation",
    "output_tokens_details", "server_tool_use", "service_tier", "speed", "inference_geo", "iterations",
    "type", "model",
})  # fmt: skip
_TOOLS = frozenset({"web_search_requests", "web_fetch_requests"})
_OUTPUT = frozenset({"thinking_tokens"})
_APART = frozenset({"compaction", "advisor_message"})
"""Kinds of iterations that the usage of the message does not contain."""


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a message; one for each iteration where it tells them."""
    message = fields(body)
    return readings(message, fields(message.get("usage")), provider)


def readings(message: Fields, given: Fields, provider: str | None = None) -> tuple[Reading, ...]:
    """The readings of a message whose usage is `given`."""
    usage, broken = _usage(given)
    tier = text(given, "service_tier")
    whole = Reading(
        usage=usage,
        provider=provider or "anthropic",
        operation="chat",
        response_model=text(message, "model"),
        response_id=text(message, "id"),
        service_tier=tier,
        speed=text(given, "speed"),
        inference_geo=text(given, "inference_geo"),
        processing="batch" if tier == "batch" else "sync",
        usage_raw=unknown(given, _USAGE, server_tool_use=_TOOLS, output_tokens_details=_OUTPUT),
        inconsistent=doubts(usage, broken),
    )
    turns = [fields(turn) for turn in items(given.get("iterations"))]
    return _by_turn(whole, turns) if turns else (whole,)


def _usage(given: Fields) -> tuple[Usage, str | None]:
    fresh, read = count(given, "input_tokens"), count(given, "cache_read_input_tokens")
    written, split = count(given, "cache_creation_input_tokens"), fields(given.get("cache_creation"))
    kept = lifetimes(split, "ephemeral_", "_input_tokens")
    in_split = sum(tokens for _, tokens in kept) if split else None
    if written is None:
        written = in_split
    tools = fields(given.get("server_tool_use"))
    usage = Usage(
        input_tokens=None if fresh is None else total("input_tokens", fresh, read, written),
        output_tokens=count(given, "output_tokens"),
        cache_read_input_tokens=read,
        cache_write_input_tokens=written,
        reasoning_output_tokens=count(fields(given.get("output_tokens_details")), "thinking_tokens"),
        cache_write_by_ttl=kept,
        counters=counters(
            web_searches=count(tools, "web_search_requests"), web_fetches=count(tools, "web_fetch_requests")
        ),
    )
    return usage, unequal("cache_creation_input_tokens", written, "cache_creation", in_split)


def _by_turn(whole: Reading, turns: list[Fields]) -> tuple[Reading, ...]:
    """A reading for each turn. What is told only of the whole message goes to its last turn that is not apart.

    The counts of the message itself are no more than a check: with an advisor its input is that of the first turn.
    """
    read = [(turn, *_usage(turn)) for turn in turns]
    own = [position for position, (turn, *_) in enumerate(read) if text(turn, "type") not in _APART]
    told, found = whole.usage.output_tokens or 0, sum(read[position][1].output_tokens or 0 for position in own)
    last = own[-1] if own else len(read) - 1
    parts = []
    for position, (turn, counted, broken) in enumerate(read):
        usage, identities, raw = counted, [broken], unknown(turn, _USAGE)
        if position == last:
            usage = _with_whole(usage, whole.usage, alone=len(own) == 1)
            identities.append(f"output_tokens {told} > iterations {found}" if told > found else None)
            raw = whole.usage_raw | raw
        model = text(turn, "model") or whole.response_model
        parts.append(
            msgspec.structs.replace(
                whole,
                usage=usage,
                model=None if model == whole.response_model else model,
                response_model=model,
                usage_raw=raw,
                inconsistent=doubts(usage, *identities),
            )
        )
    return tuple(parts)


def _with_whole(usage: Usage, whole: Usage, *, alone: bool) -> Usage:
    """Adds the counts that are told of the whole message; thinking only if the turn is `alone`, else whose is it?"""
    thinking = whole.reasoning_output_tokens if alone else None
    return msgspec.structs.replace(usage, counters=whole.counters, reasoning_output_tokens=thinking)
