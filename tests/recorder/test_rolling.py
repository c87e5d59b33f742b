"""A service does not end: it begins a new run from time to time, and each run is whole."""

import os
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

import taximeter
from taximeter.errors import SetupError
from taximeter.events import Event, SpanEvent
from taximeter.recorder import life
from taximeter.recorder import roll as rolls
from taximeter.recorder.roll import parse_roll
from taximeter.recorder.sinks.jsonl import JsonlSink
from taximeter.recorder.sinks.memory import MemorySink
from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.recorder.events import read_all


def fill() -> None:
    """More than the MiB after which a run ends."""
    for _ in range(6):
        with taximeter.span("filler", text="x" * 200_000):
            pass


@pytest.mark.parametrize(
    ("text", "size"), [("1GiB", 1 << 30), ("1GB", 10**9), ("500MB", 500 * 10**6), (" 2 MiB ", 2 << 20), ("3kB", 3_000)]
)
def test_after_so_many_bytes(text: str, size: int, tmp_path: Path) -> None:
    roll, sink = parse_roll(text), JsonlSink(tmp_path / "e.jsonl")
    assert roll is not None
    roll.begin("svc")
    file = tmp_path / "e.jsonl.open"
    os.truncate(file, size - 1)  # a hole: it takes no space
    assert not roll.is_due(sink)
    os.truncate(file, size)
    assert roll.is_due(sink)
    assert [roll.next_run_id(), roll.next_run_id()] == ["svc.2", "svc.3"]
    sink.close()
    assert not roll.is_due(sink), "nothing is open that could grow"
    assert not roll.is_due(MemorySink()), "nor is there a file"


@pytest.mark.parametrize(("text", "seconds"), [("1d", 86_400), ("12h", 43_200), ("30m", 1_800), ("90s", 90)])
def test_after_so_much_time_workers_of_one_service_reach_the_same_runs(
    text: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(rolls.time, "monotonic", lambda: now[0])
    one, other = (parse_roll(text) for _ in range(2))
    assert one is not None
    assert other is not None
    for roll in (one, other):
        roll.begin("svc")
    now[0] += seconds - 1
    assert not one.is_due(MemorySink())
    now[0] += 1
    assert one.is_due(MemorySink())
    assert one.next_run_id() == "svc.2"
    now[0] += 2 * seconds
    assert one.is_due(MemorySink())
    assert one.next_run_id() == other.next_run_id() == "svc.4", "who slept comes to where the others are"


@pytest.mark.parametrize("text", ["", "1", "d", "0d", "1.5h", "-1d", "1 week", "1gib", "1\ud800"])
def test_what_is_no_roll_is_told_at_once(text: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="roll cannot be"):
        taximeter.enable(output_dir=tmp_path, roll=text)
    assert not taximeter.is_enabled()
    assert list(tmp_path.iterdir()) == []


def test_a_service_rolls_into_the_next_run(tmp_path: Path, card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = taximeter.enable(output_dir=tmp_path, run_id="svc", rate_card_path=card, roll="1MiB")
    for number in range(3):
        with taximeter.span("big", text="x" * 600_000 if number else ""):
            pass
        with taximeter.span("small"):
            pass
        for _ in range(5):
            with taximeter.span("filler", text="x" * 200_000):
                pass
        recorder.beat_at = 0
        with taximeter.span("last"):
            pass
    taximeter.disable()
    runs = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert runs == ["svc", "svc.2", "svc.3", "svc.4"]
    assert [build(RunDir(tmp_path / "runs" / name)).status for name in runs] == ["done"] * 4
    assert len([e for e in read_all(tmp_path) if getattr(e, "span", "") == "small"]) == 3


def test_a_forked_worker_rolls_too_with_the_prices_that_it_has(tmp_path: Path, card: Path) -> None:
    recorder = taximeter.enable(output_dir=tmp_path, run_id="svc", rate_card_path=card, roll="1MiB")
    card.unlink()
    pid = os.fork()
    if pid == 0:
        fill()
        recorder.beat_at = 0
        with taximeter.span("last"):
            pass
        with taximeter.span("of the next"):
            taximeter.log_llm_usage("big", 1000, 0)
        taximeter.disable()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    report = build(RunDir(tmp_path / "runs" / "svc.2"))
    assert (report.totals.calls, report.totals.cost) == (1, Decimal("0.003"))


def test_a_stage_that_is_open_while_a_service_rolls_is_done_in_both_runs(tmp_path: Path, card: Path) -> None:
    recorder = taximeter.enable(output_dir=tmp_path, run_id="svc", rate_card_path=card, roll="1MiB")
    began = time.monotonic()
    with taximeter.record_stage("serve", port=80):
        for count in (1, 2):
            taximeter.items(count)
            for _ in range(count):
                taximeter.log_llm_usage("big", 100, 10)
            fill()
            if count == 1:
                recorder.beat_at = 0
                with taximeter.span("rolls"):
                    pass
    took = (time.monotonic() - began) * 1000
    taximeter.disable()
    reports = [build(RunDir(tmp_path / "runs" / name)) for name in ("svc", "svc.2")]
    assert [[(stage.id, stage.status) for stage in report.stages] for report in reports] == [[("serve", "done")]] * 2
    assert [report.totals.calls for report in reports] == [1, 2]
    assert [sum(e.wall_ms or 0 for e in stages_of(tmp_path, name)) <= took for name in ("svc", "svc.2")] == [True] * 2
    (first_begun, first), (second_begun, second) = (stages_of(tmp_path, name) for name in ("svc", "svc.2"))
    assert (first.items_out, second.items_out) == (1, 2)
    assert first.tokens == {"input_tokens": 100, "output_tokens": 10}
    assert second.tokens == {"input_tokens": 200, "output_tokens": 20}
    assert first.meta == {"port": 80, "goes_on_in": "svc.2"}
    assert second_begun.meta == second.meta == {"port": 80}
    assert first.ended_at == second.started_at
    assert 0 < (first.cpu_ms or 0) + (second.cpu_ms or 0) <= took
    assert first_begun.span_id == second.span_id


@pytest.mark.parametrize("sink", ["memory:", "jsonl:{}/e.jsonl", "jsonl:{}/here/"])
def test_where_there_is_no_run_among_others_nothing_rolls(
    tmp_path: Path, sink: str, monkeypatch: pytest.MonkeyPatch, card: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = taximeter.enable(sink=sink.format(tmp_path), run_id="svc", roll="1s", rate_card_path=card)
    monkeypatch.setattr(rolls.time, "monotonic", lambda: 1e9)
    recorder.beat_at = 0
    with taximeter.span("s"):
        pass
    assert recorder.run_id == "svc"
    assert not (tmp_path / "output").exists()


def test_a_stage_of_a_driver_does_not_roll_out_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: Path
) -> None:
    run = RunDir(tmp_path / "runs" / "r")
    run.create()
    for name, value in {"RUN_DIR": str(run.path), "RUN_ID": "r"}.items():
        monkeypatch.setenv(f"TAXIMETER_{name}", value)
    monkeypatch.setenv("PIPELINE_STAGE_ID", "serve")
    recorder = taximeter.enable(roll="1s", rate_card_path=card)
    monkeypatch.setattr(rolls.time, "monotonic", lambda: 1e9)
    recorder.beat_at = 0
    with taximeter.span("s"):
        pass
    assert (recorder.run_id, recorder.run_dir) == ("r", str(run.path))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["r"]


def test_a_service_rolls_beside_its_run_wherever_the_environment_points_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: Path
) -> None:
    recorder = taximeter.enable(output_dir=tmp_path, run_id="svc", roll="1s", rate_card_path=card)
    monkeypatch.setenv("TAXIMETER_OUT", str(tmp_path / "elsewhere.jsonl"))
    now = time.monotonic()
    monkeypatch.setattr(rolls.time, "monotonic", lambda: now + 1.5)
    recorder.beat_at = 0
    with taximeter.span("s"):
        pass
    assert (recorder.run_id, recorder.run_dir) == ("svc.2", str(tmp_path / "runs" / "svc.2"))


@pytest.mark.parametrize("roll", [None, "1d"])
def test_a_hook_that_waits_for_who_opens_a_stage_is_no_deadlock(
    roll: str | None, tmp_path: Path, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread's stage shows an event to the hook, which waits for a lock; its holder begins a stage meanwhile."""
    monkeypatch.setattr(life, "_PATIENCE", 0.05)
    theirs, waits = threading.Lock(), threading.Event()

    def redact(event: Event) -> Event:
        if getattr(event, "span", "") == "one":
            waits.set()
            with theirs:
                return event
        return event

    def hold() -> None:
        with theirs:
            held.set()
            waits.wait()
            with taximeter.record_stage("other"):
                pass

    taximeter.enable(output_dir=tmp_path, run_id="svc", rate_card_path=card, roll=roll, redact=redact)
    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with taximeter.record_stage("one"):
        pass
    holder.join()
    taximeter.disable()
    assert {stage.span for stage in stages_of(tmp_path, "svc") if stage.ended_at} == {"one", "other"}


def stages_of(output: Path, run_id: str) -> list[SpanEvent]:
    found = read_all(output / "runs" / run_id)
    return [e for e in found if isinstance(e, SpanEvent) and e.kind == "stage"]


def test_a_stage_that_another_thread_rolls_does_not_take_its_cpu_time(tmp_path: Path, card: Path) -> None:
    recorder = taximeter.enable(output_dir=tmp_path, run_id="svc", rate_card_path=card, roll="1MiB")

    def roll() -> None:
        fill()
        recorder.beat_at = 0
        with taximeter.span("rolls"):
            pass

    with taximeter.record_stage("serve"):
        thread = threading.Thread(target=roll)
        thread.start()
        thread.join()
    taximeter.disable()
    for name in ("svc", "svc.2"):
        ended = stages_of(tmp_path, name)[-1]
        assert (ended.status, ended.cpu_ms) == ("done", None)
