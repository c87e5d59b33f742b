"""A run as spans of OpenTelemetry, decoded from the protobuf that was written or sent."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from taximeter.errors import SetupError, TaximeterError
from taximeter.export.otlp import BATCH, FileOut, OtlpSpans
from taximeter.ledger.replay import replay
from taximeter.rundir import RunDir
from tests.report.synthetic import a_big_run
from tests.runs import SHEET, Writing, call, plan, stage


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=100, cache_write_input_tokens=40))
    writing.end("a")
    writing.close()
    return writing.run


def spans(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    request = ExportTraceServiceRequest.FromString(data)
    return [
        (span.name, {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes})
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def written(run: RunDir, profile: str = "plain") -> list[tuple[str, dict[str, Any]]]:
    file = io.BytesIO()
    out = OtlpSpans(FileOut(file), profile)
    replay(run, SHEET, out)
    out.finish()
    found = spans(file.getvalue())
    assert len(found) == out.count
    return found


def test_each_call_and_each_closed_span_is_a_span(run: RunDir) -> None:
    found = dict(written(run))
    assert set(found) == {"chat big", "a", "r"}
    asked = found["chat big"]
    assert asked["gen_ai.usage.input_tokens"] == 1000
    assert asked["gen_ai.usage.cache_creation.input_tokens"] == asked["gen_ai.usage.cache_write.input_tokens"] == 40
    assert asked["taximeter.cost"] == pytest.approx(0.0045)
    assert "gen_ai.usage.cost" not in asked


@pytest.mark.parametrize(("profile", "name"), [("langfuse", "gen_ai.usage.cost"), ("phoenix", "llm.cost.total")])
def test_a_profile_says_the_cost_in_the_words_of_a_receiver(run: RunDir, profile: str, name: str) -> None:
    assert dict(written(run, profile))["chat big"][name] == pytest.approx(0.0045)


def test_many_batches_are_one_message(tmp_path: Path) -> None:
    run = a_big_run(tmp_path, 3 * BATCH)
    assert sum(name.startswith(("chat", "embeddings")) for name, _ in written(run)) >= 3 * BATCH - 5


def test_a_receiver_that_does_not_answer_is_told(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    from taximeter.export.otlp import ReceiverOut

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    out = OtlpSpans(ReceiverOut("http://127.0.0.1:9/v1/traces"))
    replay(run, SHEET, out)
    with pytest.raises(TaximeterError, match="the receiver did not take 3 spans: see the lines above"):
        out.finish()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(SetupError, match="OTLP needs a package: import of") as caught:
        OtlpSpans(FileOut(io.BytesIO()))
    assert caught.value.problems[0].hint == "pip install 'taximeter[otlp]'"
