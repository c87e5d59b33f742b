"""Spans of OpenTelemetry as runs."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from taximeter.errors import RunDirError, SetupError
from taximeter.events import CallEvent, SpanEvent
from taximeter.export.otlp import FileOut, OtlpSpans
from taximeter.ingest.imported import import_run
from taximeter.ingest.otlp import events, read_otlp
from taximeter.ledger.replay import replay
from taximeter.report.build import build
from taximeter.rundir import OutputDir
from tests.cli.conftest import Cli, cli
from tests.report.synthetic import a_big_run
from tests.runs import SHEET, Writing, plan, stage

__all__ = ["cli"]  # a fixture


def span(span_id: str, name: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    def value(given: Any) -> dict[str, Any]:
        return {"intValue": str(given)} if isinstance(given, int) else {"stringValue": given}

    return {
        "traceId": "0" * 31 + "1",
        "spanId": span_id * 16,
        "parentSpanId": parent * 16,
        "name": name,
        "startTimeUnixNano": "1795700000000000000",
        "endTimeUnixNano": "1795700001500000000",
        "attributes": [{"key": key.replace("__", "."), "value": value(given)} for key, given in attributes.items()],
    }


def message(*spans: dict[str, Any]) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}).encode()


def chat(span_id: str, parent: str = "", tokens: int = 1000, **more: Any) -> dict[str, Any]:
    return span(
        span_id, "chat big", parent, gen_ai__operation__name="chat", gen_ai__request__model="big",
        gen_ai__provider__name="openai", gen_ai__usage__input_tokens=tokens, gen_ai__usage__output_tokens=100, **more,
    )  # fmt: skip


def calls(data: bytes) -> list[CallEvent]:
    return [event for event in events(read_otlp(data)) if isinstance(event, CallEvent)]


def test_a_span_of_a_call_is_a_call(tmp_path: Path) -> None:
    (call,) = calls(message(span("a", "request"), chat("b", "a")))
    assert (call.model, call.provider, call.usage.input_tokens, call.usage.output_tokens) == (
        "big",
        "openai",
        1000,
        100,
    )
    assert (call.started_at, call.request_ms, call.span_id) == (1795700000.0, 1500.0, "a" * 16)


def test_the_usage_of_an_agent_is_that_of_its_calls() -> None:
    agent = span(
        "a", "invoke_agent", gen_ai__operation__name="invoke_agent", gen_ai__request__model="big",
        gen_ai__usage__input_tokens=3000,
    )  # fmt: skip
    assert len(calls(message(agent, chat("b", "a"), chat("c", "a")))) == 2


def test_of_calls_inside_of_each_other_the_innermost_counts() -> None:
    """A framework and the SDK below it are both instrumented, with a span of something else between them."""
    (call,) = calls(message(chat("a", tokens=7), span("b", "retry", "a"), chat("c", "b", tokens=8)))
    assert call.usage.input_tokens == 8


def test_a_failed_call_has_failed() -> None:
    failed = chat("a") | {"status": {"code": 2, "message": "429"}}
    assert [call.status for call in calls(message(failed))] == ["failed"]


def test_a_circle_of_parents_ends() -> None:
    assert len(calls(message(chat("a", "b"), span("b", "x", "a")))) == 1


def test_what_was_exported_comes_back_the_same(tmp_path: Path) -> None:
    run = a_big_run(tmp_path / "there", 300)
    file = io.BytesIO()
    out = OtlpSpans(FileOut(file))
    replay(run, SHEET, out)
    out.finish()
    back = OutputDir(tmp_path / "back").run("r")
    imported = import_run(back, SHEET, events(read_otlp(file.getvalue())), "otlp")
    there, here = build(run).totals, build(back).totals
    assert imported.calls == there.calls
    fields = (
        "calls",
        "cost",
        "prompt_tokens",
        "completion_tokens",
        "cached_calls",
        "unpriced_calls",
        "embedding_calls",
    )
    assert [getattr(here, name) for name in fields] == [getattr(there, name) for name in fields]
    costs = {stage.id: stage.llm_totals.cost for stage in build(run).stages if stage.llm_totals.calls}
    assert {stage.id: stage.llm_totals.cost for stage in build(back).stages if stage.llm_totals.calls} == costs


def test_lines_of_a_file_exporter_are_read() -> None:
    assert len(calls(message(chat("a")) + b"\n" + message(chat("b")) + b"\n")) == 2


def test_other_spans_are_regions() -> None:
    (region,) = events(read_otlp(message(span("a", "load"))))
    assert isinstance(region, SpanEvent)
    assert (region.kind, region.span, region.wall_ms, region.status) == ("span", "load", 1500.0, "done")


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"{",
        b"\xff\xff\xff",
        b"hello, this is text",
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}',
        message(chat("a") | {"startTimeUnixNano": "9" * 30}),
        message(chat("a") | {"startTimeUnixNano": "-5"}),
        b'{"resourceSpans": 5}',
    ],
)
def test_what_is_no_otlp_is_told(data: bytes) -> None:
    with pytest.raises(SetupError, match="this is not OTLP: ") as caught:
        read_otlp(data)
    assert caught.value.problems[0].hint == "write ExportTraceServiceRequest messages, as protobuf or as JSON"


def test_a_run_that_was_not_imported_is_not_replaced(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.close()
    with pytest.raises(RunDirError, match="/r was not imported: choose another --run-id"):
        import_run(writing.run, SHEET, events(read_otlp(message(chat("a")))), "otlp")
    assert writing.run.plan.exists()


def test_nothing_makes_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunDirError, match="there is nothing to import"):
        import_run(OutputDir(tmp_path).run("r"), SHEET, [], "otlp")
    assert not (tmp_path / "runs").exists()


def test_the_command_makes_a_run_with_its_reports(cli: Cli) -> None:
    Path("spans.json").write_bytes(message(chat("a")))
    Path("prices.yaml").write_text("models: {big: {prompt_per_1k: 0.003, completion_per_1k: 0.015}}\n")
    said = cli("import", "otlp", "spans.json", "--run-id", "x", "--price-table", "prices.yaml").out
    assert said == "x: 1 call, $0.0045\n"
    assert Path("output/runs/x/instrumentation.html").exists()
    assert json.loads(cli("show", "x", "--json").out)["totals"]["cost"] == 0.0045
    assert json.loads(cli("repair", "x", "--json").out)["repairs"] == []  # its reports are whole from the start
