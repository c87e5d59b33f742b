"""Each process has its own event file, and nothing that exists is overwritten."""

import os
import re
from pathlib import Path

import msgspec
import pytest

from taximeter.errors import SetupError
from taximeter.events import CallEvent
from taximeter.recorder.sinks.jsonl import JsonlSink


def call(seq: int) -> CallEvent:
    return CallEvent(event_id=("p", seq), model="m")


def seqs(path: Path) -> list[int]:
    return [msgspec.json.decode(line)["event_id"][1] for line in path.read_bytes().splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_open_until_the_sink_is_closed(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out.jsonl")
    sink.emit(call(1))
    assert names(tmp_path) == ["out.jsonl.open"]
    assert sink.flush(0)
    sink.close()
    sink.close()
    assert names(tmp_path) == ["out.jsonl"]
    assert seqs(tmp_path / "out.jsonl") == [1]
    with pytest.raises(ValueError, match="closed"):
        sink.emit(call(2))


def test_a_second_sink_of_that_name_takes_another(tmp_path: Path) -> None:
    sinks = [JsonlSink(tmp_path / "out.jsonl") for _ in range(3)]
    for seq, sink in enumerate(sinks):
        sink.emit(call(seq))
        sink.close()
    pid = os.getpid()
    assert names(tmp_path) == [f"out.{pid}-1.jsonl", f"out.{pid}-2.jsonl", "out.jsonl"]
    assert [seqs(tmp_path / name) for name in names(tmp_path)] == [[1], [2], [0]]


def test_a_file_of_somebody_else_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    sink = JsonlSink(tmp_path / "out")
    sink.close()
    assert (tmp_path / "out").read_text() == "mine"
    assert names(tmp_path) == ["out", f"out.{os.getpid()}-1.jsonl"]


@pytest.mark.parametrize("name", ["out", "out.jsonl"])
def test_a_worker_has_its_number_in_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TAXIMETER_WORKER_ID", "3")
    JsonlSink(tmp_path / name).close()
    assert names(tmp_path) == ["out.w3.jsonl"]


def test_a_worker_id_cannot_leave_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OGMEM_WORKER_ID", "/../../x")
    JsonlSink(tmp_path / "deep" / "out.jsonl").close()
    (name,) = names(tmp_path / "deep")
    assert re.fullmatch(r"out\.wx~[0-9a-f]{8}\.jsonl", name)


def test_a_path_that_ends_in_a_slash_is_a_run_directory(tmp_path: Path) -> None:
    JsonlSink(f"{tmp_path}/run/").close()
    assert names(tmp_path / "run" / "events") == ["process.jsonl"]


def test_a_relative_path_is_where_it_was_when_the_sink_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    sink = JsonlSink("out.jsonl")
    monkeypatch.chdir(tmp_path)
    sink.close()
    assert names(tmp_path / "a") == ["out.jsonl"]


@pytest.mark.parametrize("path", ["file/out.jsonl", "file/", "no\0name", "x" * 300])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError) as caught:
        JsonlSink(f"{tmp_path}/{path}")
    (problem,) = caught.value.problems
    assert str(tmp_path) in problem.where
    assert "None" not in problem.message
    assert problem.hint


def test_a_forked_child_has_a_file_of_its_own_and_leaves_its_parents_alone(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out.jsonl")
    sink.emit(call(1))
    pid = os.fork()
    if pid == 0:
        child = sink.in_child()
        child.emit(call(2))
        child.emit(call(3))
        os._exit(0)
    os.waitpid(pid, 0)
    silent = os.fork()
    if silent == 0:
        sink.in_child()
        os._exit(0)
    os.waitpid(silent, 0)
    sink.emit(call(4))
    sink.close()
    assert names(tmp_path) == [f"out.{pid}-1.jsonl.open", "out.jsonl"]
    assert seqs(tmp_path / "out.jsonl") == [1, 4]
    written = (tmp_path / f"out.{pid}-1.jsonl.open").read_bytes().partition(b"\0")[0]
    assert [msgspec.json.decode(line)["event_id"][1] for line in written.splitlines()] == [2, 3]
