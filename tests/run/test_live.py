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


@pytest.mark.slow
@pytest.mark.parametrize("size", [(24, 80), (50, 200), (9, 60)])
def test_a_live_table_in_a_terminal(tmp_path: Path, size: tuple[int, int]) -> None:
    stages = [{"id": f"stage-{n} [red]", "run": "sleep 0.4"} for n in range(12)]
    (tmp_path / "recipe.yaml").write_text(
        json.dumps({"name": "r", "instrumentation": {"enabled": True}, "stages": stages})
    )
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "taximeter", "run", "recipe.yaml", "--jobs", "3"]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=tmp_path, env=environment) as driver:
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
    assert "running" in text
    assert "stage-11 [red]" in text
    assert max(len(line) for line in text.replace("\r", "\n").split("\n")) <= size[1]


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
