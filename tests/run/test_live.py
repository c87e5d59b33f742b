"""What a person sees while a run goes on, in a real terminal."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.stages import wait_until


def watched(folder: Path, stages: list[dict[str, str]], size: tuple[int, int], *flags: str) -> str:
    """What a terminal of that many lines and columns shows of a run, one frame after the other."""
    (folder / "recipe.yaml").write_text(
        json.dumps({"name": "r", "instrumentation": {"enabled": True}, "stages": stages})
    )
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "taximeter", "run", "recipe.yaml", *flags]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment) as driver:
        os.close(slave)
        output = b""
        try:
            while chunk := os.read(master, 65536):
                output += chunk
        except OSError:  # the terminal is gone with its last user
            pass
    os.close(master)
    assert driver.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode())
    assert max(len(line) for line in text.replace("\r", "\n").split("\n")) <= size[1]
    return text


@pytest.mark.slow
@pytest.mark.parametrize("size", [(24, 80), (50, 200), (9, 60)])
def test_a_live_table_in_a_terminal(tmp_path: Path, size: tuple[int, int]) -> None:
    stages = [{"id": f"stage-{n} [red]", "run": "sleep 0.4"} for n in range(12)]
    text = watched(tmp_path, stages, size, "--jobs", "3")
    assert "running" in text
    assert "stage-11 [red]" in text


@pytest.mark.slow
@pytest.mark.parametrize("size", [(24, 80), (50, 200)])
def test_a_live_table_shows_how_far_stages_are_how_fast_and_how_long_still(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    say = 'echo \'{"current": 30, "total": 60}\' >> {progress_file}; sleep 3'
    text = watched(tmp_path, [{"id": "count", "run": say}, {"id": "mute", "run": "true"}], size)
    titles = next(line for line in text.splitlines() if "progress" in line)
    assert titles.split()[:5] == ["stage", "status", "progress", "left", "per"]
    row = next(line for line in text.splitlines() if "████░░░░ 50 %" in line)
    assert re.search(r"count +running +████░░░░ 50 % +[0-9.]+ s +[0-9.]+", row)
    report = json.loads(next(tmp_path.glob("output/runs/*/instrumentation.json")).read_bytes())
    progress = report["stages"][0]["progress"]
    assert (progress["current"], progress["total"], progress["percent"]) == (30, 60, 50)
    assert 0 < progress["per_second"] < 30
    assert progress["seconds_left"] is None  # it is done
    assert report["stages"][1]["progress"] is None


def test_a_watcher_that_cannot_write_goes_silent(tmp_path: Path) -> None:
    recipe = {"name": "r", "stages": [{"id": "a", "run": "true"}, {"id": "b", "run": "true"}]}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "taximeter", "run", "recipe.yaml"]
        done = subprocess.run(command, cwd=tmp_path, stderr=full, stdout=subprocess.PIPE, check=False)
    assert done.returncode == 0
    assert b"done" in done.stdout


def test_a_run_goes_on_when_the_terminal_that_shows_it_is_gone(tmp_path: Path) -> None:
    stages = [{"id": "a", "run": "touch up; sleep 0.5"}, {"id": "b", "run": "touch ran"}]
    (tmp_path / "recipe.yaml").write_text(
        json.dumps({"name": "r", "instrumentation": {"enabled": True}, "stages": stages})
    )
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "taximeter", "run", "recipe.yaml"]
    with subprocess.Popen(command, stderr=slave, stdout=subprocess.DEVNULL, cwd=tmp_path) as driver:
        os.close(slave)
        assert wait_until((tmp_path / "up").exists)
        os.close(master)
    assert driver.returncode == 0  # it is not the terminal's own session, so no signal came
    assert (tmp_path / "ran").exists()
