"""What a stage says of its calls lands in the sink, and never hurts the stage."""

import json
import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import taximeter
from taximeter.recorder import guard
from taximeter.usage import Usage


class Unkind:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __index__(self) -> int:
        raise RuntimeError("no")


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "calls.1.jsonl"
    monkeypatch.setenv("INSTRUMENT_SINK", str(path))
    monkeypatch.setenv("PIPELINE_STAGE_ID", "s")
    monkeypatch.setenv("RUN_ID", "r")
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_a_call_is_one_line(sink: Path) -> None:
    taximeter.log_llm_usage("m", 5, 6, request_ms=3, request_id="q", cost=Decimal("0.0000001"), tags={"user": "u"})
    (line,) = lines(sink)
    assert line.pop("created_at").endswith("Z")
    assert line == {
        "schema_version": "instrumentation_call_v1",
        "kind": "llm",
        "model": "m",
        "provider": "openai",
        "prompt_tokens": 5,
        "completion_tokens": 6,
        "cached": False,
        "request_ms": 3.0,
        "request_id": "q",
        "cost": 1e-07,
        "stage_id": "s",
        "run_id": "r",
        "tags": {"user": "u"},
    }
    assert '"cost":0.0000001' in sink.read_text()


def test_a_call_may_be_one_mapping(sink: Path) -> None:
    taximeter.log_llm_usage({"model": "m", "prompt_tokens": 5, "provider": "x", "reasoning_output_tokens": 2})
    taximeter.log_embedding_usage({"model": "e", "prompt_tokens": 7})
    first, second = lines(sink)
    assert (first["provider"], first["reasoning_output_tokens"]) == ("x", 2)
    assert (second["kind"], second["prompt_tokens"]) == ("embedding", 7)


def test_open_counts_are_mappings_of_names_to_counts(sink: Path) -> None:
    taximeter.log_llm_usage("m", 9, 1, cache_write_by_ttl={"5m": 4}, counters={"web_searches": 2}, audio_input_tokens=3)
    taximeter.log_llm_usage("m", 9, 1, counters={"web_searches": -2})
    taximeter.log_llm_usage("m", 9, 1, counters=[2])
    first, second, third = lines(sink)
    assert (first["cache_write_by_ttl"], first["counters"]) == ({"5m": 4}, {"web_searches": 2})
    assert first["audio_input_tokens"] == 3
    assert second["reason"] == "counters.web_searches must be a whole number from 0 to 2**63 - 1, not -2"
    assert third["reason"] == "counters must be a mapping of names to counts, not a value of type list"


def test_what_a_price_depends_on_is_told(sink: Path) -> None:
    taximeter.log_llm_usage("m", 9, 1, processing="batch", service_tier="flex", speed="fast")
    taximeter.log_llm_usage("m", 9, 1, processing="later")
    taximeter.log_llm_usage("m", 9, 1, service_tier=3)
    first, second, third = lines(sink)
    assert (first["processing"], first["service_tier"], first["speed"]) == ("batch", "flex", "fast")
    assert second["reason"].startswith("processing must be sync or batch")
    assert third["reason"] == "service_tier must be a text, not 3"


def test_what_is_not_known_is_left_out(sink: Path) -> None:
    taximeter.log_llm_usage("m")
    taximeter.log_embedding_usage("e", 3, request_ms=None)
    first, second = lines(sink)
    assert "prompt_tokens" not in first
    assert "request_ms" not in second


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prompt_tokens": -1}, "prompt_tokens must be a whole number from 0 to 2**63 - 1, not -1"),
        ({"prompt_tokens": True}, "prompt_tokens must be a whole number from 0 to 2**63 - 1, not True"),
        ({"completion_tokens": 1.0}, "completion_tokens must be a whole number from 0 to 2**63 - 1, not 1.0"),
        ({"completion_tokens": math.nan}, "completion_tokens must be a whole number from 0 to 2**63 - 1, not nan"),
        ({"prompt_tokens": 2**63}, f"prompt_tokens must be a whole number from 0 to 2**63 - 1, not {2**63}"),
        ({"prompt_tokens": 10**500}, "prompt_tokens must be a whole number from 0 to 2**63 - 1, not a huge integer"),
        ({"prompt_tokens": "5"}, "prompt_tokens must be a whole number from 0 to 2**63 - 1, not a value of type str"),
        ({"request_ms": -1}, "request_ms must be milliseconds, 0 or more, not -1"),
        ({"request_ms": math.inf}, "request_ms must be milliseconds, 0 or more, not inf"),
        ({"request_ms": "soon"}, "request_ms must be milliseconds, 0 or more, not a value of type str"),
        ({"cost": "1e400"}, "cost must be an amount of money from 0 to 10**12, not a value of type str"),
        ({"cost": -0.5}, "cost must be an amount of money from 0 to 10**12, not -0.5"),
        ({"cost": Decimal("NaN")}, "cost must be an amount of money from 0 to 10**12, not a value of type Decimal"),
        ({"cost": 10**12 + 1}, f"cost must be an amount of money from 0 to 10**12, not {10**12 + 1}"),
        ({"model": ""}, "model must be a name, not a value of type str"),
        ({"model": 5}, "model must be a name, not 5"),
        ({"kind": "video"}, "kind must be llm or embedding, not a value of type str"),
        ({"request_id": Unkind()}, "request_id must be a text, not a value of type Unkind"),
        ({"tags": object()}, "Encoding objects of type object is unsupported"),
    ],
)
def test_a_figure_that_cannot_be_true_is_rejected_with_its_reason(
    sink: Path, fields: dict[str, Any], reason: str
) -> None:
    taximeter.log_llm_usage({"model": "m", **fields})
    (line,) = lines(sink)
    assert (line["schema_version"], line["reason"]) == ("instrumentation_rejected_v1", reason)
    assert line["stage_id"] == "s"


def test_a_lone_surrogate_or_a_cycle_is_rejected(sink: Path) -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    taximeter.log_llm_usage("\ud800")
    taximeter.log_llm_usage("m", tags=cycle)
    assert [line["schema_version"] for line in lines(sink)] == ["instrumentation_rejected_v1"] * 2


def test_line_separators_stay_inside_the_line(sink: Path) -> None:
    taximeter.log_llm_usage("m\u2028\n\x00", 1, 1)
    assert sink.read_bytes().count(b"\n") == 1
    assert lines(sink)[0]["model"] == "m\u2028\n\x00"


def test_without_a_sink_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSTRUMENT_SINK", raising=False)
    monkeypatch.chdir(tmp_path)
    taximeter.log_llm_usage("m", 1, 1)
    taximeter.items(5)
    assert list(tmp_path.iterdir()) == []


def test_whatever_goes_wrong_is_counted_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("INSTRUMENT_SINK", str(tmp_path / "no" / "such" / "folder"))
    guard.failures.clear()
    taximeter.log_llm_usage("m", 1, 1)
    taximeter.log_llm_usage("m", 1, 1)
    monkeypatch.setenv("INSTRUMENT_SINK", str(tmp_path / "calls.1.jsonl"))
    taximeter.log_llm_usage("m", Unkind())
    assert sorted(guard.failures.values()) == [1, 2]
    assert len(caplog.records) == 2


def test_a_usage_that_is_none_raises_nothing_and_is_counted() -> None:
    recorder = taximeter.enable(sink="memory:")
    taximeter.record_usage("1200 tokens", "m")  # type: ignore[arg-type]
    taximeter.record_usage(Usage(1, 1), "m", tags=5)  # type: ignore[arg-type]
    assert guard.losses["dropped"] == 1
    assert [event["usage"] for event in recorder.get_all_events()[1:]] == [Usage(1, 1)]
    taximeter.disable()


def test_a_line_after_a_torn_one_is_whole(sink: Path) -> None:
    sink.write_bytes(b'{"model": "to')
    taximeter.log_llm_usage("m", 1, 1)
    assert json.loads(sink.read_text().splitlines()[1])["model"] == "m"


def test_items_are_told(sink: Path) -> None:
    taximeter.items(5)
    taximeter.items(7, direction="in")
    assert [(line["items"], line["direction"]) for line in lines(sink)] == [(5, "out"), (7, "in")]


@pytest.mark.parametrize(
    ("told", "direction", "reason"),
    [
        (-1, "out", "items must be a whole number from 0 to 2**63 - 1, not -1"),
        (2.0, "in", "items must be a whole number from 0 to 2**63 - 1, not 2.0"),
        (1, "up", "direction must be in or out, not a value of type str"),
    ],
)
def test_items_that_cannot_be_true_are_rejected_with_their_reason(
    sink: Path, told: Any, direction: Any, reason: str
) -> None:
    taximeter.items(told, direction=direction)
    (line,) = lines(sink)
    assert (line["schema_version"], line["reason"], line["stage_id"]) == ("instrumentation_rejected_v1", reason, "s")


def test_four_processes_write_one_sink_and_no_line_is_mixed(sink: Path) -> None:
    program = "import taximeter\nfor i in range(2000): taximeter.log_llm_usage('m' * 300, i, i)"
    writers = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    counts = [line["prompt_tokens"] for line in lines(sink)]
    assert sorted(counts) == sorted(list(range(2000)) * 4)


def test_a_measured_process_loads_next_to_nothing() -> None:
    program = (
        "import sys, msgspec; before = set(sys.modules); import taximeter; taximeter.log_llm_usage('m', 1, 1);"
        "taximeter.span('s')(len)('x'); taximeter.get_recorder(); print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    unwanted = {
        "pydantic",
        "yaml",
        "asyncio",
        "dataclasses",
        "inspect",
        "logging",
        "importlib.metadata",
        "socket",
        "wrapt",
    }
    assert not unwanted & set(loaded)


@pytest.mark.slow
def test_a_measured_process_reads_the_prices_that_were_compiled_before(tmp_path: Path) -> None:
    program = (
        "import sys, taximeter; taximeter.enable(output_dir=sys.argv[1])\n"
        "with taximeter.record_stage('s'): taximeter.log_llm_usage('gpt-4o', 1000, 10, provider='openai')\n"
        "taximeter.disable(); print([m for m in ('genai_prices', 'pydantic', 'yaml') if m in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = [subprocess.run(command, capture_output=True, text=True, check=True, env=env) for _ in range(2)]
    assert done[1].stdout == "[]\n"
    told = [line for path in tmp_path.glob("runs/*/events/*.jsonl") for line in path.read_text().splitlines()]
    stages = [of for of in map(json.loads, told) if of.get("cost_usd") and of["kind"] == "stage"]
    assert [of["cost_usd"]["total"] for of in stages] == [0.0026, 0.0026]  # 1,000 x 2.5 + 10 x 10, per million
