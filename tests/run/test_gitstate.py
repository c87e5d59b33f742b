"""What git says of the folder that a run was started in."""

import subprocess
from pathlib import Path

from taximeter.run.gitstate import GitQuestion
from tests.stages import wait_until


def test_outside_a_repository_there_is_no_answer(tmp_path: Path) -> None:
    assert GitQuestion(tmp_path).answer() is None


def test_the_commit_and_whether_a_tracked_file_was_changed(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        return subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True, text=True).stdout

    git("init")
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-m", "first")
    state = GitQuestion(tmp_path).answer()
    assert state is not None
    assert (state.sha, state.dirty) == (git("rev-parse", "HEAD").strip(), False)
    (tmp_path / "file").write_text("b")
    state = GitQuestion(tmp_path).answer()
    assert state is not None
    assert state.dirty


def test_git_is_not_left_as_a_zombie_until_the_answer_is_wanted(tmp_path: Path) -> None:
    def children() -> str:
        return Path("/proc/thread-self/children").read_text()

    before = children()
    question = GitQuestion(tmp_path)
    assert wait_until(lambda: children() == before, 10)
    question.answer()
