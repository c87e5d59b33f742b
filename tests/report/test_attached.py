"""What a page shows beside its report."""

import os
import shutil
from pathlib import Path

import msgspec

from taximeter.report.attached import attached
from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.runs import Writing, plan, shards_that_print, stage


def a_run(folder: Path, stages: int = 1, notes: str | None = None) -> Writing:
    writing = Writing(folder, plan([stage(i, f"s{i}", notes=notes) for i in range(1, stages + 1)]))
    for i in range(1, stages + 1):
        writing.start(f"s{i}")
    return writing


def test_links_pipes_and_what_is_gone_are_passed_over(tmp_path: Path) -> None:
    run = a_run(tmp_path).run
    folder = run.stage("01_stage")
    (tmp_path / "secret").write_text("not yours")
    folder.log(1).symlink_to(tmp_path / "secret")
    (folder.path / "link").symlink_to(tmp_path)
    os.mkfifo(folder.path / "pipe")
    (folder.path / "real").write_text("1")
    run.snapshots.joinpath("recipe.yaml").symlink_to(tmp_path / "secret")
    found = attached(run, [])
    assert found.logs == {}
    assert [file.path for file in found.files["s1"].files] == ["real"]
    assert [snapshot.name for snapshot in found.snapshots] == ["plan.json", "pricing.json"]


def test_a_stage_whose_folder_is_a_link_is_passed_over(tmp_path: Path) -> None:
    run = a_run(tmp_path).run
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "log.1.txt").write_text("not yours")
    folder = run.stage("01_stage").path
    folder.rmdir()
    folder.symlink_to(tmp_path / "elsewhere")
    found = attached(run, [])
    assert (found.logs, found.files) == ({}, {})


def test_the_log_of_the_latest_attempt_begins_with_a_whole_line_or_word(tmp_path: Path) -> None:
    run = a_run(tmp_path).run
    folder = run.stage("01_stage")
    folder.log(1).write_text("first")
    folder.log(2).write_bytes(b"one token=abcdefgh\r " * 400)
    log = attached(run, []).logs["s1"]
    assert (log.attempt, log.size) == (2, 8_000) and 4_000 <= log.begin < 4_030
    assert log.text.startswith("token=***\r one token=***")
    assert "abcdefgh" not in log.text
    folder.log(2).write_bytes(b"x" * 10_000)
    assert attached(run, []).logs["s1"].text == ""


def test_however_much_there_is_the_page_has_room_for_it(tmp_path: Path) -> None:
    run = a_run(tmp_path, stages=60, notes="n" * 5_000).run
    for i in range(1, 61):
        folder = run.stage(f"{i:02d}_stage")
        folder.log(1).write_text("a line\n" * 2_000)
        for number in range(30):
            (folder.path / f"part-{number}.jsonl").write_text("1")
    found = attached(run, [])
    assert len(msgspec.json.encode(found)) < 120_000
    assert (len(found.files["s1"].files), found.files["s1"].left_out) == (4, 27)


def test_a_run_without_a_plan_has_its_snapshots_only(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.fill()
    run.pricing.write_text("{}")
    assert [snapshot.name for snapshot in attached(run, []).snapshots] == ["pricing.json"]
    run.plan.write_text("no JSON")
    assert attached(run, []).logs == {}


def test_of_shards_those_that_went_wrong_share_the_room_else_the_slowest_has_it(tmp_path: Path) -> None:
    def logs(folder: Path, wrong: tuple[int, ...]) -> dict[str, int]:
        run = shards_that_print(folder, wrong, lines=2_000).run
        found = attached(run, build(run).stages)
        assert found.logs == {}
        return {shard: log.size - log.begin for shard, log in found.shard_logs["share"].items()}

    assert list(logs(tmp_path / "well", ())) == ["6"]
    assert list(logs(tmp_path / "wrong", (1, 3))) == ["3", "1"]
    many = logs(tmp_path / "many", (0, 1, 2, 3, 4, 5))
    assert len(many) == 4
    assert 3_000 < sum(many.values()) <= 4_000


def test_a_shard_whose_folder_is_a_link_is_passed_over(tmp_path: Path) -> None:
    run = shards_that_print(tmp_path, wrong=(1,)).run
    folder = run.stage("01_stage/shards/1").path
    shutil.rmtree(folder)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/log.1.txt").write_text("not yours")
    folder.symlink_to(tmp_path / "elsewhere")
    assert attached(run, build(run).stages).shard_logs == {}
