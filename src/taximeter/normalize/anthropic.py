"""Anthropic Messages: `input_tokens` counts only what was neither read from the cache nor written to it.

All input is `input_tokens + cache_read_input_tokens + cache_creation_input_tokens`; thinking is contained in
`output_tokens`. In a beta, `iterations` tells each turn with its own model; what compaction and an advisor used stands
only there.
Source: the types of anthropic 2.14 (`types/usage.py`, `types/beta/beta_usage.py` and `beta_*_iteration_usage.py`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from taximeter.normalize.fields import ELSEWHERE, Fields, Table, fields, items, lifetimes, sort, text, total, usage
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import Usage

_USAGE: Table = {
    "input_tokens": "fresh",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cache_creation_input_tokens": "cache_write_input_tokens",
    "output_tokens_details": {"thinking_tokens": "reasoning_output_tokens"},
    "server_tool_use": {"web_search_requests": "web_searches", "web_fetch_requests": "web_fetches"},
    **dict.fromkeys(
        ("cache_creation", "service_tier", "speed", "inference_geo", "iterations", "type", "model"), ELSEWHERE
    ),
}
_APART = frozenset({"compaction", "advisor_message"})
"""Kinds of iterations that the usage of the message does not contain."""


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a message; one for each iteration where it tells them."""
    message = fields(body)
    return readings(message, fields(message.get("usage")), provider)


def readings(message: Fields, given: Fields, provider: str | None = None) -> tuple[Reading, ...]:
    """The readings of a message whose usage is `given`."""
    used, broken, unknown = _usage(given)
    tier = text(given, "service_tier")
    whole = Reading(
        usage=used,
        provider=provider or "anthropic",
        operation="chat",
        response_model=text(message, "model"),
        response_id=text(message, "id"),
        service_tier=tier,
        speed=text(given, "speed"),
        inference_geo=text(given, "inference_geo"),
        processing="batch" if tier == "batch" else "sync",
        usage_raw=unknown,
        inconsistent=doubts(used, broken),
    )
    turns = [fields(turn) for turn in items(given.get("iterations"))]
    return _by_turn(whole, turns) if turns else (whole,)


def _usage(given: Fields) -> tuple[Usage, str | None, dict[str, Any]]:
    """The counts, the identity that does not hold, and what is not known."""
    found: dict[str, int] = {}
    unknown = sort(given, _USAGE, found)
    split = fields(given.get("cache_creation"))
    kept = lifetimes(split, "ephemeral_", "_input_tokens") if split else ()
    broken = None
    if split:
        in_split = sum(tokens for _, tokens in kept)
        written = found.setdefault("cache_write_input_tokens", in_split)
        broken = unequal("cache_creation_input_tokens", written, "cache_creation", in_split)
    if "fresh" in found:
        read, written = found.get("cache_read_input_tokens", 0), found.get("cache_write_input_tokens", 0)
        found["input_tokens"] = total("input_tokens", found.pop("fresh"), read, written) or 0
    return usage(found, kept, "web_searches", "web_fetches"), broken, unknown


def _by_turn(whole: Reading, turns: list[Fields]) -> tuple[Reading, ...]:
    """A reading for each turn. What is told only of the whole message goes to its last turn that is not apart.

    The counts of the message itself are no more than a check: with an advisor its input is that of the first turn.
    """
    read = [(turn, *_usage(turn)) for turn in turns]
    own = [position for position, (turn, *_) in enumerate(read) if text(turn, "type") not in _APART]
    told, found = whole.usage.output_tokens or 0, sum(read[position][1].output_tokens or 0 for position in own)
    last = own[-1] if own else len(read) - 1
    parts = []
    for position, (turn, counted, broken, unknown) in enumerate(read):
        used, identities, raw = counted, [broken], unknown
        if position == last:
            used = _with_whole(used, whole.usage, alone=len(own) == 1)
            identities.append(f"output_tokens {told} > iterations {found}" if told > found else None)
            raw = whole.usage_raw | raw
        model = text(turn, "model") or whole.response_model
        parts.append(
            msgspec.structs.replace(
                whole,
                usage=used,
                model=None if model == whole.response_model else model,
                response_model=model,
                usage_raw=raw,
                inconsistent=doubts(used, *identities),
            )
        )
    return tuple(parts)


def _with_whole(turn: Usage, whole: Usage, *, alone: bool) -> Usage:
    """Adds the counts that are told of the whole message; thinking only if the turn is `alone`, else whose is it?"""
    thinking = whole.reasoning_output_tokens if alone else None
    return msgspec.structs.replace(turn, counters=whole.counters, reasoning_output_tokens=thinking)
