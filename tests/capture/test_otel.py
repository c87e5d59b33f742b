"""Spans of other instrumentors become calls, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode, Tracer

import taximeter
from taximeter.recorder.claims import BY_SPANS
from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.server import Server
from tests.capture.test_anthropic import ASK, MESSAGE
from tests.capture.test_openai import only
from tests.recorder.events import calls, events

CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.response.id": "r1",
    "gen_ai.usage.input_tokens": 25,
    "gen_ai.usage.output_tokens": 7,
}


@pytest.fixture
def provider(recorder: Recorder) -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(taximeter.SpanProcessor())
    yield provider
    BY_SPANS.is_open = False


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("an.instrumentor")


def test_a_span_of_a_model_is_a_call(tracer: Tracer, recorder: Recorder) -> None:
    with taximeter.record_stage("s"), tracer.start_as_current_span("chat m", attributes=CHAT):
        pass
    call = only(recorder)
    assert (call.usage, call.model, call.provider, call.stage_id) == (Usage(25, 7), "m", "openai", "s")
    assert (call.captured_by, call.usage_source, call.status) == ("an.instrumentor", "provider", "done")
    assert call.request_ms is not None
    assert call.started_at is not None


def test_two_spans_are_two_calls(tracer: Tracer, recorder: Recorder) -> None:
    for _ in range(2):
        tracer.start_span("chat m", attributes=CHAT).end()
    assert len(calls(events(recorder))) == 2


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "create_agent"])
def test_the_usage_of_an_agent_is_ignored(tracer: Tracer, recorder: Recorder, operation: str) -> None:
    tracer.start_span("agent", attributes={**CHAT, "gen_ai.operation.name": operation}).end()
    assert calls(events(recorder)) == []


def test_a_span_around_others_is_their_sum(tracer: Tracer, recorder: Recorder) -> None:
    with (
        tracer.start_as_current_span("outermost", attributes=CHAT),
        tracer.start_as_current_span("chain"),
        tracer.start_as_current_span("chat of a framework", attributes=CHAT),
    ):
        tracer.start_span("chat m", attributes=CHAT).end()
    assert len(calls(events(recorder))) == 1


def test_other_spans_are_no_calls(tracer: Tracer, recorder: Recorder) -> None:
    tracer.start_span("GET /", attributes={"http.method": "GET"}).end()
    tracer.start_span("nothing").end()
    assert calls(events(recorder)) == []


def test_a_span_that_failed_is_a_failed_call(tracer: Tracer, recorder: Recorder) -> None:
    span = tracer.start_span("chat m", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})
    span.set_status(Status(StatusCode.ERROR))
    span.end()
    assert (only(recorder).status, only(recorder).usage, only(recorder).usage_source) == ("failed", NO_USAGE, "missing")


def test_a_span_of_embeddings(tracer: Tracer, recorder: Recorder) -> None:
    told = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "e", "gen_ai.usage.input_tokens": 13}
    tracer.start_span("embeddings e", attributes=told).end()
    assert (only(recorder).kind, only(recorder).usage) == ("embedding", Usage(13))


def test_what_a_span_told_is_claimed_by_hand(tracer: Tracer, recorder: Recorder) -> None:
    tracer.start_span("chat m", attributes=CHAT).end()
    taximeter.log_llm_usage("m", 25, 7)
    assert only(recorder).captured_by == "an.instrumentor"


@pytest.mark.parametrize("stream", [False, True])
def test_spans_of_the_sdk_itself_add_no_call(
    server: Server, recorder: Recorder, provider: TracerProvider, stream: bool
) -> None:
    ended: list[str] = []
    end = provider._active_span_processor.on_end
    provider._active_span_processor.on_end = lambda span: (ended.append(span.name), end(span))  # type: ignore[method-assign]
    options = {"tracer_provider": provider}
    sdk = server.keep(anthropic.Anthropic(api_key="k", base_url=server.url, open_telemetry=options))
    for _ in range(2):
        answer = sdk.messages.create(**ASK, stream=stream)
        if stream:
            list(answer)
        taximeter.log_llm_usage("c", 35, 9)
    assert len(ended) >= 2, "the SDK has made spans"
    assert [(call.usage, call.captured_by) for call in calls(events(recorder))] == [(MESSAGE, "anthropic")] * 2


def test_spans_of_openinference(tracer: Tracer, recorder: Recorder) -> None:
    counts = {"llm.token_count.prompt": 25, "llm.token_count.completion": 7}
    details = {"llm.token_count.prompt_details.cache_read": 5, "llm.token_count.completion_details.reasoning": 2}
    told = {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.system": "openai", **counts, **details}
    tracer.start_span("ChatCompletion", attributes=told).end()
    tracer.start_span("AgentRun", attributes={**told, "openinference.span.kind": "AGENT"}).end()
    embedded = {"openinference.span.kind": "EMBEDDING", "embedding.model_name": "e", "llm.token_count.prompt": 13}
    tracer.start_span("CreateEmbeddings", attributes=embedded).end()
    assert [(call.kind, call.model, call.usage) for call in calls(events(recorder))] == [
        ("llm", "m", Usage(25, 7, cache_read_input_tokens=5, reasoning_output_tokens=2)),
        ("embedding", "e", Usage(13)),
    ]


def test_a_span_that_tells_only_of_a_request_is_no_call(tracer: Tracer, recorder: Recorder) -> None:
    asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    tracer.start_span("chat m", attributes=asked).end()
    tracer.start_span("chat m", attributes={**asked, "gen_ai.response.model": "m"}).end()
    assert calls(events(recorder)) == []
    tracer.start_span("chat m", attributes={**asked, "gen_ai.response.id": "r1"}).end()
    assert only(recorder).usage_source == "missing"
