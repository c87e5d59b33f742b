"""What an answer of a provider tells, as a call: the one mapping, for all who read answers."""

from __future__ import annotations

from typing import Any

from taximeter.events import CallEvent
from taximeter.normalize.reading import Reading
from taximeter.recorder.recording import NO_EVENT_ID
from taximeter.usage import NO_USAGE


def call_of(reading: Reading, asked: str | None, **told: Any) -> CallEvent:
    """The call that a reading tells of; `asked` is the model that was asked for.

    What decides a price, what nobody here understands and what else is `told` (and known) stand in its `meta`. Who and
    where it was, and when, is the caller's to add.
    """
    return CallEvent(
        event_id=NO_EVENT_ID,
        model=reading.model or asked or reading.response_model or "unknown",
        provider=reading.provider,
        operation=reading.operation,
        response_model=reading.response_model,
        usage=reading.usage,
        usage_source="missing" if reading.usage == NO_USAGE else "provider",
        inconsistent=reading.inconsistent,
        status=reading.status,
        processing=reading.processing,
        service_tier=reading.service_tier,
        response_id=reading.response_id,
        provider_cost=reading.provider_cost,
        meta=_meta(reading, told) if told or reading.usage_raw or reading.speed or reading.inference_geo else None,
    )


def _meta(reading: Reading, told: dict[str, Any]) -> dict[str, Any] | None:
    known = {"speed": reading.speed, "inference_geo": reading.inference_geo, "usage_raw": reading.usage_raw or None}
    return {name: value for name, value in (known | told).items() if value is not None} or None
