"""Spans of OpenTelemetry become calls and regions of runs, each once, however often they are sent."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from taximeter.events import CallEvent, SpanEvent
from taximeter.recorder.sinks.open import open_sinks
from taximeter.usage import Usage
from tests.stages import wait_until
from tests.web.collect.conftest import Answered, Collect, call, post
from tests.web.collect.test_events import written
from tests.web.collect.test_hostile import is_well, peak
from tests.web.conftest import Served

pytestmark = pytest.mark.slow

AT = 1_767_225_600 * 10**9
"""The first moment of 2026, in nanoseconds."""

TRACE = "0af7651916cd43dd8448eb211c80319c"
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5"}
USED = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}


def attributes(given: dict[str, Any]) -> list[dict[str, Any]]:
    def value(of: Any) -> dict[str, Any]:
        return {"intValue": str(of)} if isinstance(of, int) else {"stringValue": of}

    return [{"key": name, "value": value(of)} for name, of in given.items()]


def span(number: int, given: dict[str, Any], parent: int | None = None, **fields: Any) -> dict[str, Any]:
    """One as JSON has it."""
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        **({"parentSpanId": f"{parent:016x}"} if parent else {}),
        "name": "s",
        "startTimeUnixNano": str(AT),
        "endTimeUnixNano": str(AT + 10**9),
        "attributes": attributes(given),
        **fields,
    }


def request(*spans: Any, **resource: Any) -> bytes:
    of = {"attributes": attributes({"service.name": "chatbot", **resource})}
    return json.dumps({"resourceSpans": [{"resource": of, "scopeSpans": [{"spans": spans}]}]}).encode()


def send(server: Served, body: bytes) -> Answered:
    return post(server, body, "/v1/traces", Content_Type="application/json")


def calls(folder: Path, run_id: str = "chatbot-2026-01-01") -> list[Any]:
    return [event for event in written(folder, run_id) if event["schema_version"] == "call_v1"]


def names(folder: Path, run_id: str = "chatbot-2026-01-01") -> list[Any]:
    return [event["span"] for event in written(folder, run_id) if event.get("kind") == "span"]


def test_the_exporter_of_opentelemetry_sends_to_it(collect: Collect, tmp_path: Path) -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    server = collect()
    resource = Resource.create({"service.name": "chatbot", "service.instance.id": "one", "taximeter.run_id": "mine"})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(f"{server.address}/v1/traces", compression=Compression.Gzip)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("answer"):
        agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-5", **USED}
        with tracer.start_as_current_span("agent", attributes=agent):
            more = {"gen_ai.response.finish_reasons": ("stop", "length"), "taximeter.tag.team": ("a", "b")}
            with tracer.start_as_current_span("chat gpt-5", attributes={**CHAT, **USED, **more}):
                pass
    provider.shutdown()
    (one,) = calls(tmp_path, "mine")
    assert (one["model"], one["provider"], one["captured_by"]) == ("gpt-5", "openai", "otlp")
    assert (one["usage"]["input_tokens"], one["usage"]["output_tokens"]) == (10, 5)
    assert sorted(names(tmp_path, "mine")) == ["agent", "answer"]
    assert [path.name for path in (tmp_path / "runs/mine/events").iterdir()] == [
        path.name for path in (tmp_path / "runs/mine/events").glob("otlp*chatbot*one*.jsonl")
    ]
    assert is_well(server)


def test_calls_and_regions_of_json(collect: Collect, tmp_path: Path) -> None:
    answer = send(collect(), request(span(1, {}, name="outer"), span(2, CHAT | USED, parent=1)))
    assert (answer.status, answer.said, answer.headers["content-type"]) == (200, {}, "application/json")
    (one,) = calls(tmp_path)
    assert (one["usage"]["input_tokens"], one["usage"]["output_tokens"], one["request_ms"]) == (10, 5, 1000.0)
    assert one["span_id"] == f"{1:016x}"
    assert names(tmp_path) == ["outer"]


def test_what_is_sent_again_counts_once_also_after_a_kill(collect: Collect, tmp_path: Path) -> None:
    first = collect()
    body = request(span(1, {}), span(2, CHAT | USED, parent=1))
    for _ in range(3):
        assert send(first, body).said == {}
    first.process.kill()
    first.process.communicate()
    second = collect()
    assert send(second, body).said == {}
    assert send(second, request(span(3, CHAT | USED))).said == {}
    assert len(calls(tmp_path)) == 2
    assert len(names(tmp_path)) == 1
    ids = [tuple(event["event_id"]) for event in written(tmp_path, "chatbot-2026-01-01")]  # type: ignore[arg-type]
    assert len(ids) == len(set(ids))


def test_spans_of_two_traces_are_two_though_their_ids_are_the_same(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    both = request(span(1, CHAT | USED), span(1, CHAT | USED, traceId="f" * 32))
    assert send(server, both).said == {}
    assert send(server, both).said == {}
    assert len(calls(tmp_path)) == 2


def test_a_span_names_its_run_and_else_it_is_of_its_service_and_day(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    later = str(AT + 86_400 * 10**9)
    spans = [
        span(1, {"taximeter.run_id": "own"}),
        span(2, {}),
        span(3, {}, startTimeUnixNano=later, endTimeUnixNano="0"),
    ]
    assert send(server, request(*spans[:2])).said == {}
    assert send(server, request({**spans[2], "endTimeUnixNano": later})).said == {}
    assert send(server, request(span(4, {"taximeter.run_id": "own"}), **{"taximeter.run_id": "all"})).said == {}
    assert send(server, request(span(5, {}), **{"taximeter.run_id": "all"})).said == {}
    assert send(server, request(span(6, {}), **{"service.name": "../../evil"})).said == {}
    found = {path.name for path in (tmp_path / "runs").iterdir()}
    assert {"own", "all", "chatbot-2026-01-01", "chatbot-2026-01-02"} < found
    assert len(found) == 5
    assert len(names(tmp_path, "own")) == 2


def test_of_nested_calls_the_innermost_counts_though_each_comes_by_itself(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    outer, region, inner = span(1, CHAT | USED), span(2, {}, parent=1), span(3, CHAT | USED, parent=2)
    for each in (inner, region, outer):  # as they end
        assert send(server, request(each)).status == 200
    assert [event["meta"]["otlp_span_id"] for event in calls(tmp_path)] == [f"{3:016x}"]
    assert send(server, request(span(1, CHAT | USED, traceId="2" * 32))).status == 200  # nothing is in this one
    assert len(calls(tmp_path)) == 2


def test_a_service_goes_on_until_it_is_silent_for_long(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    send(server, request(span(1, CHAT | USED)))
    time.sleep(3.5)  # a process that said that it has ended would have made it end by now
    send(server, request(span(2, CHAT | USED)))
    assert [line["status"] for line in told(tmp_path)] == ["running"]
    server.process.kill()
    server.process.communicate()
    send(collect("--lost-after", "1s"), request(span(3, CHAT | USED)))
    assert wait_until(lambda: [line["status"] for line in told(tmp_path)] == ["running", "running", "done"])
    assert told(tmp_path)[-1]["totals"]["calls"] == 3


def told(folder: Path) -> list[Any]:
    """What stands in the list of runs."""
    return [json.loads(line) for line in (folder / "run_manifest.jsonl").read_bytes().splitlines()]


def test_a_bad_span_is_rejected_alone(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    ends_first = span(2, {}, endTimeUnixNano=str(AT - 10**9))
    said = send(server, request(span(1, {}), ends_first, span(3, CHAT | USED))).said["partialSuccess"]
    assert (said["rejectedSpans"], bool(said["errorMessage"])) == ("1", True)
    assert (len(names(tmp_path)), len(calls(tmp_path))) == (1, 1)


def test_more_spans_than_one_request_may_have_are_refused_in_little_memory(collect: Collect, tmp_path: Path) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    server = collect()
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    for number in range(200_000):  # they fit into one request
        spans.add(span_id=number.to_bytes(8, "big"), start_time_unix_nano=AT)
    body = message.SerializeToString()
    assert is_well(server)
    before = peak(server)
    answer = post(server, body, "/v1/traces", compress=True)
    assert (answer.status, answer.said["error"]) == (413, "more than 20000 spans: send fewer at once")
    assert peak(server) - before < 100 << 10  # kilobytes
    assert is_well(server, 2)


def test_a_bad_span_of_protobuf_is_told_of_in_protobuf(collect: Collect) -> None:
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

    message = service.ExportTraceServiceRequest()
    bad = message.resource_spans.add().scope_spans.add().spans.add()
    bad.trace_id, bad.span_id, bad.start_time_unix_nano, bad.end_time_unix_nano = b"t" * 16, b"s" * 8, AT, AT - 10**9
    answer = post(collect(), message.SerializeToString(), "/v1/traces", Content_Type="application/x-protobuf")
    assert answer.status == 200
    assert service.ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans == 1


def test_attributes_of_any_kind_are_lived_with(collect: Collect, tmp_path: Path) -> None:
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

    message = service.ExportTraceServiceRequest()
    for number, name in enumerate((*CHAT, *USED, "taximeter.kind", "taximeter.run_id", "taximeter.tag.x"), 1):
        one = message.resource_spans.add().scope_spans.add().spans.add()
        one.trace_id, one.span_id = b"t" * 16, number.to_bytes(8, "big")
        one.start_time_unix_nano = one.end_time_unix_nano = AT
        for other in {*CHAT, name}:
            odd = one.attributes.add(key=other).value
            if other == name:
                odd.array_value.values.add().string_value = "x"
            else:
                odd.string_value = "chat"
    server = collect()
    answer = post(server, message.SerializeToString(), "/v1/traces", Content_Type="application/x-protobuf")
    assert (answer.status, answer.body) == (200, b"")
    assert send(server, request(span(1, {}, attributes=[{"key": "x", "value": {"stringValue": [{}]}}]))).said == {}
    assert is_well(server)


def test_a_span_of_megabytes_is_no_line_that_readers_pass_over(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    answer = send(
        server, request(span(1, {}, name="x" * (1 << 20)), span(2, CHAT | {"taximeter.tag.x": "y" * (1 << 20)}))
    )
    assert answer.status == 200
    assert all(len(line) < 300_000 for file in tmp_path.rglob("*.jsonl") for line in file.read_bytes().splitlines())


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xff\xff",
        b"{",
        b"{}",
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [null]}',
        b'{"resourceSpans": ' + b"[" * 100_000,
        request(None),
        request({}),
        request(span(1, {}, spanId=["x"])),
        request(span(1, {}, spanId=7)),
        request(span(1, {}, traceId={})),
        request(span(1, {}, name=[1])),
        request(span(1, {}, status=[])),
        request(span(1, {}, status={"code": 2, "message": {"a": 1}})),
        request(span(1, {}, startTimeUnixNano="9" * 400)),
        request(span(1, {}, startTimeUnixNano="-1")),
        request(span(1, {}, startTimeUnixNano=None)),
        request(span(1, CHAT | {"gen_ai.usage.input_tokens": 10**30})),
        request(span(1, {}, attributes=[{"key": [], "value": {"intValue": "1"}}])),
    ],
    ids=range(19),
)
def test_what_is_no_otlp_is_refused_and_nothing_dies(collect: Collect, tmp_path: Path, body: bytes) -> None:
    server = collect()
    answer = send(server, body)
    assert (answer.status, bool(answer.said["error"])) == (400, True)
    assert not (tmp_path / "runs").exists()
    assert is_well(server)
    assert send(server, request(span(1, {}))).said == {}


def test_nobody_passes_for_a_process_of_otlp(collect: Collect) -> None:
    (rejected,) = post(collect(), [call(1, process="otlp:chatbot")]).said["rejected"]
    assert "otlp:" in rejected["reason"]


def test_our_own_sink_sends_to_it(collect: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    server = collect()
    sink = open_sinks(f"otlp+{server.address}")
    region = SpanEvent(("p", 1), "r", TRACE, "b7ad6b7169203331", "span", "embed", AT / 1e9, ended_at=AT / 1e9 + 1)
    used = Usage(input_tokens=10, output_tokens=5, cache_read_input_tokens=3)
    asked = CallEvent(
        ("p", 2), model="gpt-5", run_id="r", trace_id=TRACE, span_id="b7ad6b7169203331", usage=used, request_ms=5.0,
        started_at=AT / 1e9,
    )  # fmt: skip
    sink.emit(region)
    sink.emit(asked)
    assert sink.flush(30)
    sink.close()
    (one,) = calls(tmp_path, "r")
    assert (one["model"], one["span_id"]) == ("gpt-5", region.span_id)
    assert {name: one["usage"][name] for name in ("input_tokens", "output_tokens", "cache_read_input_tokens")} == {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 3,
    }
    assert names(tmp_path, "r") == ["embed"]


def test_protobuf_without_the_extra_names_it(collect: Collect, tmp_path: Path) -> None:
    """A package that stands before the real one in the path and cannot be imported."""
    hidden = tmp_path / "hidden/google/protobuf"
    hidden.mkdir(parents=True)
    (tmp_path / "hidden/google/__init__.py").touch()
    (hidden / "__init__.py").write_text("raise ImportError('No module named google.protobuf')\n")
    server = collect(PYTHONPATH=str(tmp_path / "hidden"))
    answer = post(server, b"\n\0", "/v1/traces", Content_Type="application/x-protobuf")
    assert (answer.status, "taximeter[otlp]" in answer.said["error"]) == (400, True)
    assert send(server, request(span(1, CHAT | USED))).said == {}
    assert is_well(server)
