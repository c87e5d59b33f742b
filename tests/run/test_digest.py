"""What counts as a change of a file, a folder, a program."""

import os
from pathlib import Path

import pytest

from taximeter.run.digest import Digests
from tests.recipes import write


def content(path: Path) -> str:
    return Digests().content(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(str(tmp_path / "data/a"), "1")
    write(str(tmp_path / "data/deep/b"), "2")
    return tmp_path / "data"


def test_a_file_is_what_it_holds_and_not_when_or_where_it_was_written(tmp_path: Path) -> None:
    first, second = write(str(tmp_path / "a"), "x"), write(str(tmp_path / "b"), "x")
    os.utime(second, (1, 1))
    assert content(first) == content(second) != content(write(str(tmp_path / "c"), "y"))


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    digests, file = Digests(), write(str(tmp_path / "a"), "x")
    before = digests.content(file)
    file.write_text("yy")
    assert digests.content(file) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a").write_text("3"),
        lambda folder: (folder / "deep/b").rename(folder / "deep/c"),
        lambda folder: (folder / "deep/b").unlink(),
        lambda folder: (folder / "deep/empty").mkdir(),
        lambda folder: (folder / ".hidden").touch(),
        lambda folder: (folder / "link").symlink_to("deep"),
    ],
)
def test_a_folder_is_all_that_is_below_it(folder: Path, change: object) -> None:
    before = content(folder)
    assert content(folder) == before
    change(folder)  # type: ignore[operator]
    assert content(folder) != before


def test_a_link_to_a_file_counts_as_the_file_and_one_to_a_folder_as_a_link(folder: Path) -> None:
    (folder / "link").symlink_to("a")
    (folder / "round").symlink_to(folder)
    before = content(folder)
    (folder / "a").write_text("3")
    assert content(folder) != before


def test_the_source_of_a_program_is_without_what_running_it_leaves(folder: Path) -> None:
    before = Digests().source(folder)
    write(str(folder / "__pycache__/a.pyc"))
    write(str(folder / ".git/HEAD"))
    write(str(folder / "output/run_manifest.jsonl"))
    write(str(folder / "output/runs/r/log"))
    assert Digests().source(folder) == before
    write(str(folder / "deep/new.py"))
    assert Digests().source(folder) != before


def test_runs_of_ours_in_a_folder_that_is_read_do_not_change_it(folder: Path) -> None:
    before = content(folder)
    write(str(folder / "output/run_manifest.jsonl"))
    write(str(folder / "output/runs/r/log"))
    with_output = content(folder)
    write(str(folder / "output/runs/s/log"))
    assert content(folder) == with_output != before


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert content(tmp_path / "pipe").startswith("special")


def test_what_cannot_be_read_is_an_error_and_no_digest(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        content(tmp_path / "gone")
