"""A receiver of OTLP gets spans and calls by the semantic conventions, and nobody waits for it."""

import os
import socket
import time
from typing import Any

import pytest

from taximeter.events import CallEvent, SpanEvent
from taximeter.recorder import guard
from taximeter.recorder.sinks.open import open_sinks
from taximeter.recorder.sinks.otlp import OtlpSink
from taximeter.semconv import call_of
from taximeter.usage import Usage
from tests.collectors import Collector, Request, collector

trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="pip install 'taximeter[otlp]'"
)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(**fields: Any) -> SpanEvent:
    given = {"run_id": "r", "trace_id": TRACE, "span_id": "b7ad6b7169203331", "kind": "span", "span": "embed", **fields}
    return SpanEvent(event_id=("p", 1), started_at=1_767_225_600.0, **given)


def call(**fields: Any) -> CallEvent:
    return CallEvent(event_id=("p", 2), model="gpt-5", **fields)


def take(request: Request) -> None:
    request.answer(200, b"")


def received(server: Collector) -> list[tuple[Any, Any]]:
    """(resource, span) of all that came."""
    found = []
    for request in server.requests:
        message = trace_service.ExportTraceServiceRequest.FromString(request.body)
        for group in message.resource_spans:
            found += [(group.resource, one) for scope in group.scope_spans for one in scope.spans]
    return found


def attributes(holder: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in holder.attributes}


def test_a_call_hangs_under_its_span_with_the_attributes_of_the_conventions() -> None:
    usage = Usage(input_tokens=10, output_tokens=5, cache_write_input_tokens=4, reasoning_output_tokens=2)
    asked = call(
        trace_id=TRACE, span_id="b7ad6b7169203331", provider="openai", usage=usage, started_at=1_767_225_600.5,
        request_ms=250.0, tags={"team": "x"}, run_id="r", usage_source="provider",
    )  # fmt: skip
    with collector(take) as server:
        sink = open_sinks(f"otlp+{server.url}")
        sink.emit(span())
        sink.emit(span(ended_at=1_767_225_601.0, status="failed", error="ValueError: no", meta={"batch": 7}))
        sink.emit(asked)
        assert sink.flush(30)
        sink.close()
        assert {request.path for request in server.requests} == {"/v1/traces"}
        (_, outer), (_, inner) = received(server)
    assert (outer.name, outer.trace_id.hex(), outer.span_id.hex()) == ("embed", TRACE, "b7ad6b7169203331")
    assert outer.end_time_unix_nano - outer.start_time_unix_nano == 10**9
    assert (outer.status.code, outer.status.message) == (2, "ValueError: no")
    assert attributes(outer)["batch"] == 7
    assert (inner.name, inner.parent_span_id, inner.trace_id) == ("chat gpt-5", outer.span_id, outer.trace_id)
    assert inner.end_time_unix_nano - inner.start_time_unix_nano == 250 * 10**6
    told = attributes(inner)
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.usage.cache_creation.input_tokens"] == 4
    again = call_of(told, ("p", 2))
    assert again is not None
    assert (again.usage, again.tags, again.run_id, again.model) == (usage, {"team": "x"}, "r", "gpt-5")


def test_the_environment_names_the_receiver_and_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(take) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "search")
        sink = open_sinks("otlp+http:")
        sink.emit(call())
        sink.close()
        ((resource, _),) = received(server)
        headers = server.requests[0].headers
        assert (headers["x-key"], headers["Content-Encoding"]) == ("secret", "gzip")
    assert attributes(resource)["service.name"] == "search"


def test_strange_values_and_foreign_ids_arrive() -> None:
    guard.failures.clear()
    with collector(take) as server:
        sink = open_sinks(f"otlp+{server.url}/v1/traces")
        sink.emit(span(trace_id="mine", span_id="too", ended_at=1_767_225_601.0, meta={"a": "\ud800", "b": object()}))
        sink.emit(call(status="failed", meta={"long": "x" * 10_000, "huge": 2**70}))
        assert sink.flush(30)
        sink.close()
        (_, first), (_, second) = received(server)
    assert not guard.failures
    assert attributes(first)["a"] == "\\ud800"
    assert attributes(first)["b"] == "<object>"
    assert len(attributes(second)["long"]) < 5_000
    assert attributes(second)["error.type"] == "_OTHER"


def test_what_is_not_taken_is_counted() -> None:
    with collector(lambda request: request.answer(400)) as server:
        sink = OtlpSink(server.url)
        sink.emit(call())
        assert sink.flush(30)
        sink.close()
        sink.emit(call())
        assert sink.losses() == {"dropped": 2}


def test_a_black_hole_holds_nobody_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taximeter.recorder.sinks.otlp.CAPACITY", 100)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sink = OtlpSink(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces")
        for _ in range(1_000):
            sink.emit(call())
        assert sink.losses()["dropped"] >= 300
        begin = time.monotonic()
        sink.close()
        assert time.monotonic() - begin < 9  # the exporter itself would wait for ten seconds


def test_a_forked_child_exports_its_own() -> None:
    with collector(take) as server:
        sink = OtlpSink(f"{server.url}/v1/traces")
        pid = os.fork()
        if pid == 0:
            child = sink.in_child()
            child.emit(call())
            child.close()
            os._exit(0)
        os.waitpid(pid, 0)
        sink.close()
        assert len(received(server)) == 1
