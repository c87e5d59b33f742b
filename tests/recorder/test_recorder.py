"""The recorder of a process: on and off, where its events go, and what it says of itself."""

import json
import math
import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import taximeter
from taximeter.errors import RunDirError, SetupError
from taximeter.events import CallEvent, SpanEvent
from taximeter.journal.short import ShortSpan
from taximeter.recorder import guard
from taximeter.recorder.recorder import Recorder
from taximeter.report.build import build
from taximeter.report.loose import EventFiles, build_from_files
from taximeter.rundir import RunDir
from tests.collectors import collector
from tests.recorder.events import calls, events, read, read_all, spans


def run(program: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("TAXIMETER_", "OGMEM_", "INSTRUMENT"))
    }
    return subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, env=clean | env, capture_output=True, text=True, timeout=60
    )


ONE_SPAN = """
import taximeter
with taximeter.record_stage("s"):
    pass
"""


def test_enable_is_idempotent_and_later_calls_change_options(recorder: Recorder) -> None:
    sink, run_id = recorder.sink, recorder.run_id
    assert taximeter.enable(sample=0.5) is recorder is taximeter.get_recorder()
    assert (recorder.sink, recorder.run_id, recorder.options.sample) == (sink, run_id, 0.5)
    assert taximeter.is_enabled()


@pytest.mark.parametrize("how", ["object", "url", "both"])
def test_a_sink_that_is_named_again_stays_as_it_is(tmp_path: Path, how: str) -> None:
    url = f"jsonl:{tmp_path}/e.jsonl"
    memory = taximeter.MemorySink()
    named: Any = {"object": memory, "url": url, "both": [memory, url]}[how]
    recorder = taximeter.enable(sink=named)
    first = recorder.sink
    with taximeter.span("one"):
        pass
    assert taximeter.enable(sink=list(named) if how == "both" else named, sample=1).sink is first
    with taximeter.span("two"):
        pass
    taximeter.disable()
    assert len(list(tmp_path.iterdir())) == (how != "object")
    found = read(tmp_path / "e.jsonl") if how != "object" else memory.get_events()
    assert spans(found).keys() == {"one", "two"}


def test_a_sink_that_gets_company_is_not_closed(tmp_path: Path) -> None:
    sink = taximeter.JsonlSink(tmp_path / "e.jsonl")
    taximeter.enable(sink=sink)
    with taximeter.span("one"):
        pass
    taximeter.enable(sink=[sink, f"jsonl:{tmp_path}/more.jsonl"])
    with taximeter.span("two"):
        pass
    taximeter.enable(sink=sink)
    assert (tmp_path / "more.jsonl").exists(), "it was replaced"
    with taximeter.span("three"):
        pass
    taximeter.disable()
    assert spans(read(tmp_path / "e.jsonl")).keys() == {"one", "two", "three"}
    assert spans(read(tmp_path / "more.jsonl")).keys() == {"two"}
    assert not guard.losses


def test_another_run_goes_to_the_sink_that_was_named(tmp_path: Path) -> None:
    recorder = taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl", run_id="a")
    with taximeter.span("one"):
        pass
    taximeter.enable(run_id="b")
    with taximeter.span("two"):
        pass
    with pytest.raises(SetupError, match="run id"):
        taximeter.enable(run_id="../c")
    assert (recorder.run_id, recorder.run_dir) == ("b", None)
    taximeter.disable()
    assert {name: span.run_id for name, span in spans(read(tmp_path / "e.jsonl")).items()} == {"one": "a", "two": "b"}
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]


def test_a_thread_that_is_on_the_way_to_a_sink_that_is_replaced_comes_to_the_next(tmp_path: Path) -> None:
    recorder = taximeter.enable(run_id="a", output_dir=tmp_path)
    with taximeter.span("first"):
        pass
    deliver, deliver_short = recorder.deliver, recorder.deliver_short
    assert deliver is not None
    assert deliver_short is not None
    taximeter.enable(run_id="b", output_dir=tmp_path)
    deliver(SpanEvent(("me", 0), "a", "t", "s", "span", "late", 1.0, ended_at=2.0))
    deliver_short(ShortSpan(10**6, "t", "u", "short", 1.0, 1.0))
    taximeter.disable()
    found = spans(read_all(tmp_path / "runs" / "b"))
    assert {name: found[name].run_id for name in ("late", "short")} == {"late": "b", "short": "b"}
    assert not guard.losses
    deliver(SpanEvent(("me", 1), "a", "t", "v", "span", "too late", 1.0))
    assert guard.losses == {"dropped": 1}


def test_what_a_later_call_leaves_out_stays_until_the_recorder_is_turned_off(recorder: Recorder) -> None:
    taximeter.enable(sample=0, span_cpu=True, session_id="s-1", tags={"team": "x"})
    taximeter.enable(record_tokens=False)
    options = recorder.options
    assert (options.sample, options.span_cpu, options.record_tokens) == (0, True, False)
    taximeter.log_llm_usage("big", 1, 1)
    (call,) = calls(events(recorder))
    assert (call.session_id, call.tags) == ("s-1", {"team": "x"})
    taximeter.disable()
    assert taximeter.enable(sink="memory:").options.sample == 1


def test_a_child_program_hangs_under_the_process_that_started_it(tmp_path: Path, recorder: Recorder) -> None:
    code = f"import taximeter\ntaximeter.enable(sink='jsonl:{tmp_path}/child.jsonl')\n{ONE_SPAN}"
    subprocess.run([sys.executable, "-c", code], check=True)
    (mine,) = (e for e in events(recorder) if isinstance(e, SpanEvent) and e.kind == "process")
    assert {(e.trace_id, e.parent_id) for e in read(tmp_path / "child.jsonl")} == {(mine.trace_id, mine.span_id)}
    taximeter.disable()
    assert "TRACEPARENT" not in os.environ


def test_a_lone_file_is_running_while_its_process_lives_and_lost_when_it_was_killed(tmp_path: Path) -> None:
    code = f"import taximeter\ntaximeter.enable(sink='jsonl:{tmp_path}/e.jsonl')\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        files = EventFiles([tmp_path / "e.jsonl.open"])
        assert build_from_files(files).status == "running"
        program.kill()
    assert build_from_files(files).status == "lost"


def test_events_that_lost_their_payload_are_counted_by_each_run_for_itself(tmp_path: Path) -> None:
    for name in ("a", "b"):
        taximeter.enable(sink=f"jsonl:{tmp_path}/{name}.jsonl")
        with taximeter.span("long", text="x" * 300_000):
            pass
        taximeter.disable()
        last = read(tmp_path / f"{name}.jsonl")[-1]
        assert isinstance(last, SpanEvent)
        assert (last.kind, last.losses) == ("process", {"truncated": 1})


def test_what_a_collector_gets_without_its_payload_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with collector() as server:
        taximeter.enable(sink=server.url)
        with taximeter.span("long", text="x" * 300_000):
            pass
        taximeter.disable()
        sent = [event for request in server.requests for event in request.events]
    assert sent[-1]["losses"] == {"truncated": 1}


def test_a_replaced_sink_is_closed_and_the_run_goes_on(tmp_path: Path, recorder: Recorder) -> None:
    run_id = recorder.run_id
    taximeter.enable(sink=f"jsonl:{tmp_path}/a.jsonl")
    with taximeter.span("one"):
        pass
    taximeter.enable(sink=f"jsonl:{tmp_path}/b.jsonl")
    assert (tmp_path / "a.jsonl").exists()
    assert spans(read(tmp_path / "a.jsonl"))["one"].run_id == recorder.run_id == run_id


def test_the_default_is_a_run_directory_of_its_own(tmp_path: Path, card: Path) -> None:
    assert repr(taximeter.get_recorder()) == "<taximeter recorder: off>"
    recorder = taximeter.enable(output_dir=tmp_path, run_id="mine", rate_card_path=card)
    assert repr(recorder) == f"<taximeter recorder: on, run mine, in {tmp_path / 'runs' / 'mine'}>"
    assert recorder.run_dir == str(tmp_path / "runs" / "mine")
    assert [os.environ[f"TAXIMETER_{name}"] for name in ("ENABLED", "RUN_ID", "RUN_DIR")] == [
        "1",
        "mine",
        recorder.run_dir,
    ]
    with taximeter.record_stage("ingest"):
        taximeter.log_llm_usage("big", 1000, 0)
    run_dir = RunDir(tmp_path / "runs" / "mine")
    assert build(run_dir).status == "running"
    assert taximeter.run_report().report.totals.cost == Decimal("0.003")
    taximeter.disable()
    assert not any(f"TAXIMETER_{name}" in os.environ for name in ("ENABLED", "RUN_ID", "RUN_DIR"))
    report = build(run_dir)
    assert (report.status, report.stages[0].id, report.stages[0].llm_totals.cost) == (
        "done",
        "ingest",
        Decimal("0.003"),
    )
    lines = [json.loads(line) for line in (tmp_path / "run_manifest.jsonl").read_text().splitlines()]
    assert [(line["run_id"], line["status"]) for line in lines] == [("mine", "running"), ("mine", "done")]


def test_what_cannot_be_set_up_is_told_with_its_path(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RunDirError, match=str(blocked)):
        taximeter.enable(output_dir=blocked)
    with pytest.raises(SetupError, match=str(blocked)):
        taximeter.enable(sink=f"jsonl:{blocked}/x.jsonl")
    bad = tmp_path / "bad.yaml"
    bad.write_text("models: [")
    with pytest.raises(SetupError, match=r"bad\.yaml"):
        taximeter.enable(sink="memory:", rate_card_path=bad)
    with pytest.raises(SetupError, match="roll"):
        taximeter.enable(sink="memory:", roll="soon")
    with pytest.raises(SetupError, match="run id"):
        taximeter.enable(run_id="../x", output_dir=tmp_path)
    assert not taximeter.is_enabled()


def test_off_costs_nothing_and_gives_nothing() -> None:
    recorder = taximeter.get_recorder()
    assert recorder.snapshot_tokens() == {}
    assert recorder.get_all_events() == []
    assert (recorder.sink, recorder.run_dir, recorder.service) == (None, None, None)
    assert recorder.flush(0.1)
    taximeter.disable()


def test_all_events_have_every_field(recorder: Recorder) -> None:
    with taximeter.span("s"):
        taximeter.log_llm_usage("big", 1, 1)
    process, call, span = recorder.get_all_events()
    assert set(SpanEvent.__struct_fields__) < set(span)
    assert set(CallEvent.__struct_fields__) < set(call)
    assert (process["kind"], span["attempt"], call["ttft_ms"]) == ("process", None, None)


def test_an_event_of_ones_own_is_taken_and_nothing_is_raised(recorder: Recorder) -> None:
    mine = SpanEvent(("me", 0), "r", "t", "s", "span", "mine", 1.0)
    recorder.emit(mine)
    for none in ("mine", 5, None, {"span": "mine"}):
        recorder.emit(none)  # type: ignore[arg-type]
    assert recorder.get_all_events()[-1]["span"] == "mine"
    assert guard.losses["rejected"] == 4

    class Broken:
        def emit(self, event: object) -> None:
            raise OSError("no")

        def flush(self, timeout: float) -> bool:
            return False

        def close(self) -> None:
            raise OSError("no")

    taximeter.enable(sink=Broken())
    with taximeter.span("s"):
        pass
    assert guard.losses["dropped"] >= 2
    assert guard.failures["OSError: no"] >= 2
    taximeter.disable()


STRANGE: dict[str, Any] = {
    "surrogate": "\ud800",
    "nan": math.nan,
    "infinite": -math.inf,
    "huge": 10**400,
    "separator": "a\u2028b\n",
    "bytes": b"\xff",
    "set": {1},
    "key": {("a", 1): 2},
}


def test_no_value_raises_or_makes_a_line_that_is_no_json(tmp_path: Path) -> None:
    class Unkind:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    cycle: list[Any] = []
    cycle.append(cycle)
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    for name, value in {**STRANGE, "unkind": Unkind(), "cycle": cycle}.items():
        with taximeter.span(name, value=value):
            pass
        with taximeter.span("\ud800name"):
            pass
        taximeter.log_llm_usage("m", 1, 1, tags={"t": str(value)[:9]} if name != "unkind" and name != "cycle" else None)
    taximeter.disable()
    lines = (tmp_path / "e.jsonl").read_bytes().split(b"\n")[:-1]
    found = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert {e.get("span") for e in found} >= {*STRANGE, "unkind", "cycle"}
    assert len([e for e in found if e["schema_version"] == "call_v1"]) == len(STRANGE) + 2


@pytest.mark.parametrize(
    ("env", "files"),
    [
        ({}, []),
        ({"TAXIMETER_ENABLED": "no", "TAXIMETER_OUT": "out.jsonl"}, []),
        ({"TAXIMETER_ENABLED": "1", "TAXIMETER_OUT": "out.jsonl"}, ["out.jsonl"]),
        ({"TAXIMETER_ENABLED": "TRUE", "TAXIMETER_OUT": "out", "TAXIMETER_WORKER_ID": "3"}, ["out.w3.jsonl"]),
        ({"OGMEM_PERF_ENABLED": "Yes", "OGMEM_PERF_OUT": "out.jsonl", "OGMEM_WORKER_ID": "3"}, ["out.w3.jsonl"]),
    ],
)
def test_the_environment_turns_it_on(tmp_path: Path, env: dict[str, str], files: list[str]) -> None:
    done = run(ONE_SPAN, tmp_path, **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert all(spans(read_all(tmp_path)).keys() == {"s"} for _ in files)


def test_a_run_directory_by_environment(tmp_path: Path) -> None:
    assert run(ONE_SPAN, tmp_path, TAXIMETER_ENABLED="1", TAXIMETER_OUT="here/", TAXIMETER_RUN_ID="r").stderr == ""
    report = build(RunDir(tmp_path / "here"))
    assert (report.status, [stage.id for stage in report.stages]) == ("done", ["s"])


def test_an_environment_that_cannot_be_followed_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(ONE_SPAN, tmp_path, TAXIMETER_ENABLED="1", TAXIMETER_OUT="file/x.jsonl")
    assert done.returncode == 0
    assert "file/x.jsonl" in done.stderr


def test_a_process_of_a_driver_hangs_under_its_stage(tmp_path: Path) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    env = {"TRACEPARENT": f"00-{trace}-{parent}-01", "PIPELINE_STAGE_ID": "stage", "TAXIMETER_ATTEMPT": "2"}
    program = ONE_SPAN.replace("pass", "taximeter.log_llm_usage('m', 1, 1)")
    run(program, tmp_path, TAXIMETER_ENABLED="1", TAXIMETER_OUT="e.jsonl", INSTRUMENT_SINK="sink.jsonl", **env)
    found = read(tmp_path / "e.jsonl")
    span = spans(found)["s"]
    assert (span.kind, span.trace_id, span.parent_id, span.parent_span) == ("span", trace, parent, "stage")
    (call,) = calls(found)
    assert (call.stage_id, call.attempt, call.span_id, call.trace_id) == ("stage", 2, span.span_id, trace)
    assert not (tmp_path / "sink.jsonl").exists()


def test_in_a_stage_of_a_driver_a_program_that_names_a_run_is_in_that_of_the_driver(tmp_path: Path) -> None:
    (tmp_path / "driven" / "events").mkdir(parents=True)
    program = "import taximeter\nfor _ in range(2): taximeter.enable(run_id='mine')\ntaximeter.log_llm_usage('m', 1, 1)"
    env = {"PIPELINE_STAGE_ID": "stage", "TAXIMETER_RUN_ID": "driven", "TAXIMETER_RUN_DIR": str(tmp_path / "driven")}
    done = run(program, tmp_path, **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["driven"]
    (file,) = (tmp_path / "driven" / "events").iterdir()
    (call,) = calls(read(file))
    assert (call.run_id, call.stage_id) == ("driven", "stage")


def test_what_is_carried_out_comes_in_again(tmp_path: Path) -> None:
    program = """
import os, subprocess, sys, taximeter
recorder = taximeter.get_recorder()
with taximeter.record_stage("outer"), taximeter.session("u\\0"), taximeter.tags(a="b", **{"c,=": "1,2=3%2C\\0\\ud800"}):
    child = "import taximeter\\nwith taximeter.span('child'): pass"
    subprocess.run([sys.executable, "-c", child], env=os.environ | recorder.carrier(), check=True)
"""
    done = run(program, tmp_path, TAXIMETER_ENABLED="1")
    assert done.stderr == ""
    found = spans(read_all(tmp_path))
    child, outer = found["child"], found["outer"]
    assert (child.parent_id, child.trace_id, child.run_id) == (outer.span_id, outer.trace_id, outer.run_id)
    assert (child.session_id, child.tags, child.stage_id) == ("u", {"a": "b", "c,=": "1,2=3%2C?"}, "outer")


def test_an_unhandled_exception_ends_the_run_as_failed(tmp_path: Path) -> None:
    program = "import taximeter; taximeter.enable(run_id='r', summary=True)\nwith taximeter.record_stage('s'): 1 / 0"
    done = run(program, tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "no calls" in done.stderr or "0 calls" in done.stderr
    report = build(RunDir(tmp_path / "output" / "runs" / "r"))
    assert (report.status, report.error) == ("failed", "ZeroDivisionError: division by zero")


def test_a_report_of_memory_is_text_and_static_html(recorder: Recorder) -> None:
    with taximeter.record_stage("<script>alert(1)</script>"):
        taximeter.log_llm_usage("big", 1000, 0)
    view = taximeter.run_report()
    assert "$0.003" in str(view)
    html = view._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_of_several_sinks_those_that_can_be_read_back_are(tmp_path: Path, card: Path) -> None:
    small = taximeter.MemorySink(capacity=2)
    recorder = taximeter.enable(sink=[small, f"jsonl:{tmp_path}/e.jsonl"], rate_card_path=card)
    for _ in range(5):
        taximeter.log_llm_usage("big", 1000, 0)
    assert len(recorder.get_all_events()) == 2
    assert taximeter.run_report().report.totals.calls == 5
    taximeter.enable(sink=small)
    taximeter.log_llm_usage("big", 1000, 0)
    taximeter.log_llm_usage("big", 1000, 0)
    report = taximeter.run_report().report
    assert (report.status, report.totals.calls) == ("running", 2)


def test_a_forked_child_reports_what_it_has_written_itself(tmp_path: Path) -> None:
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    taximeter.log_llm_usage("m", 1, 1)
    pid = os.fork()
    if pid == 0:
        taximeter.log_llm_usage("m", 1, 1)
        os._exit(taximeter.run_report().report.totals.calls)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


def test_nothing_to_report_is_told() -> None:
    with pytest.raises(RunDirError, match=r"taximeter\.enable"):
        taximeter.run_report()


def test_losses_stand_in_the_report(tmp_path: Path, card: Path) -> None:
    taximeter.enable(output_dir=tmp_path, run_id="r", rate_card_path=card)
    taximeter.log_llm_usage("big", -1, 0)
    taximeter.disable()
    losses = build(RunDir(tmp_path / "runs" / "r")).losses
    assert losses.rejected == 1
    assert list(losses.reasons) == ["prompt_tokens must be a whole number from 0 to 2**63 - 1, not -1"]


def test_a_span_waits_for_nobody_who_turns_the_recorder_on_or_off(recorder: Recorder) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with recorder.lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    recorder.beat_at = 0
    with taximeter.record_stage("stage"), taximeter.span("span"):
        taximeter.log_llm_usage("big", 1, 1)
    done.set()
    holder.join()
    assert spans(events(recorder)).keys() == {"stage", "span"}


def test_clocks_are_of_one_moment() -> None:
    epoch, monotonic, cpu = taximeter.clocks()
    later = taximeter.clocks()
    assert later[0] - epoch == pytest.approx(later[1] - monotonic, abs=1e-5)
    assert cpu <= later[2]


def test_a_hook_sees_events_before_any_sink(tmp_path: Path) -> None:
    def redact(event: Any) -> Any:
        if isinstance(event, SpanEvent):
            event.meta = None
        return event

    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl", redact=redact)
    taximeter.enable(sample=1.0)
    with taximeter.span("s", secret="hunter2"):
        pass
    taximeter.disable()
    assert "hunter2" not in (tmp_path / "e.jsonl").read_text()
    assert spans(read_all(tmp_path)).keys() == {"s"}
