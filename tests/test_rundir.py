"""Where a run lies, and who holds it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.errors import RunDirError, SetupError
from taximeter.rundir import OutputDir, RunDir, append_line, check_run_id, new_run_id, replace, safe_name


@given(st.text())
def test_any_id_gives_a_name_that_a_file_can_have(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 80
    assert not name.startswith((".", "-"))
    assert "/" not in name
    assert "\0" not in name


def test_a_safe_id_is_its_own_name_and_others_keep_apart() -> None:
    assert safe_name("clean-2.b_c") == "clean-2.b_c"
    assert safe_name("a/b") == safe_name("a/b") == safe_name(safe_name("a/b"))
    assert len({safe_name(text) for text in ("a/b", "a:b", "a b", "A" * 100, "A" * 101, "..", "é", "")}) == 8


@pytest.mark.parametrize("run_id", ["", ".", "..", "a/b", "-x", "x" * 81, "a b", "é", "a\n"])
def test_a_run_id_that_cannot_name_a_directory_is_an_error(run_id: str) -> None:
    with pytest.raises(SetupError, match="cannot name a directory"):
        check_run_id(run_id)


@given(st.text())
def test_a_new_run_id_can_name_a_directory_whatever_the_recipe_is_called(name: str) -> None:
    run_id = new_run_id(name, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert check_run_id(run_id) == run_id
    assert "-20260102T030405Z-" in run_id


def test_a_run_is_made_once(tmp_path: Path) -> None:
    run = OutputDir(tmp_path).run("r")
    run.create()
    with pytest.raises(RunDirError, match="exists already"):
        run.create()


def test_a_held_run_is_held_for_everybody_until_its_holder_dies(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert not run.is_held()
    program = (
        "import sys, pathlib; from taximeter.rundir import RunDir\n"
        "lock = RunDir(pathlib.Path(sys.argv[1])).lock(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert run.is_held()
        with pytest.raises(RunDirError, match="held by a running driver"):
            run.lock()
        holder.kill()
        holder.wait()
        assert not run.is_held()
    run.lock().close()


def test_a_file_is_replaced_in_one_step_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    replace(path, b"one")
    replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_line_begins_on_a_fresh_line_even_after_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "f"
    append_line(path, b"one")
    with path.open("ab") as file:
        file.write(b"to")
    append_line(path, b"two")
    assert path.read_bytes() == b"one\nto\ntwo\n"
