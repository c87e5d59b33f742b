"""A redaction hook sees an event before any sink does."""

from typing import Any

import msgspec
import pytest

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.recorder.sinks.memory import MemorySink
from taximeter.recorder.sinks.redacting import RedactingSink
from taximeter.usage import Usage


def call(**meta: str) -> CallEvent:
    return CallEvent(event_id=("p", 1), model="m", usage=Usage(input_tokens=5), meta=dict(meta), tags={"user": "u"})


def test_the_sink_gets_what_the_hook_gives_and_nothing_if_it_gives_none() -> None:
    def redact(event: Event) -> Event | None:
        return None if isinstance(event, SpanEvent) else msgspec.structs.replace(event, meta={"prompt": "***"})

    kept = MemorySink()
    sink = RedactingSink(kept, redact)
    sink.emit(call(prompt="secret"))
    sink.emit(
        SpanEvent(event_id=("p", 2), run_id="r", trace_id="t", span_id="s", kind="span", span="x", started_at=1.0)
    )
    assert kept.get_events() == [call(prompt="***")]


def fail(event: Event) -> Event:
    raise RuntimeError("bug")


@pytest.mark.parametrize(
    ("redact", "told"), [(fail, "bug"), (lambda event: "***", "an event or None, not a value of type str")]
)
def test_a_hook_that_raises_or_gives_no_event_costs_the_texts_and_not_the_figures(redact: Any, told: str) -> None:
    kept = MemorySink()
    sink = RedactingSink(kept, redact)
    with pytest.raises((RuntimeError, TypeError), match=told):
        sink.emit(call(prompt="secret"))
    (event,) = kept.get_events()
    assert b"secret" not in msgspec.json.encode(event)
    assert isinstance(event, CallEvent)
    assert (event.usage.input_tokens, event.tags) == (5, None)


def test_a_child_has_the_same_hook() -> None:
    sink = RedactingSink(MemorySink(capacity=5), lambda event: None).in_child()
    sink.emit(call())
    assert sink.flush(0)
    assert sink.losses() == {}
