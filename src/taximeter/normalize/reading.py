"""What a response says of the call that it answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from taximeter.errors import TaximeterError
from taximeter.usage import NO_USAGE, Usage, violations


class UsageError(TaximeterError):
    """A response does not say what it used, in any way that is known here."""


class RejectedUsageError(UsageError):
    """A figure that cannot be true, with the reason: the whole response is not to be believed."""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """The usage of one model in one response, and what decides its price.

    It holds nothing of the response itself. A response that several models worked on gives several readings.
    """

    usage: Usage = NO_USAGE
    provider: str | None = None
    """`openai`, `anthropic`, `google`, `mistral`, `cohere`, or as the caller named it; None if the shape is common."""

    operation: str | None = None
    """As OpenTelemetry names it: `chat`, `text_completion`, `generate_content`, `embeddings`, and others."""

    model: str | None = None
    """The model that this part was bought from, where it is not the one the request asked for."""

    response_model: str | None = None
    """The model that says it answered."""

    response_id: str | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    processing: Literal["sync", "batch"] = "sync"
    provider_cost: Decimal | None = None
    """What the provider says it billed, in its currency."""

    status: Literal["done", "failed", "cut"] = "done"
    """`cut`: a stream that ended before its end; what is missing from its usage is unknown."""

    usage_raw: dict[str, Any] = {}
    """What the usage says beyond that, as it was given."""

    inconsistent: tuple[str, ...] = ()
    """Why the counts cannot all be true; they are kept as they were given."""


def doubts(usage: Usage, *identities: str | None) -> tuple[str, ...]:
    """Everything that is wrong with a usage: its own contradictions, and the identities that do not hold."""
    broken = tuple(reason for reason in identities if reason is not None)
    return broken + violations(usage) if broken else violations(usage)


def unequal(name: str, told: int | None, formula: str, *parts: int | None) -> str | None:
    """Says that a count is not the sum of its parts; None if it is, or if nobody told it or any part."""
    if told is None:
        return None
    total, known = 0, False
    for part in parts:
        if part is not None:
            total, known = total + part, True
    return f"{name} {told} != {formula} {total}" if known and total != told else None
