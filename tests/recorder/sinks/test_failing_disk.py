"""A disk that is full, broken or read-only costs what does not fit, and never the program."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter.journal.reader import RESERVED, LineReader

PROGRAM = """
import sys
from taximeter.events import CallEvent
from taximeter.recorder.sinks.jsonl import JsonlSink
from taximeter.journal import writer
if "appended" in sys.argv:
    writer._MAPPED_FILE_SYSTEMS = frozenset()
sink = JsonlSink(sys.argv[1])
for seq in range(int(sys.argv[2])):
    try:
        sink.emit(CallEvent(event_id=("p", seq), model="m", meta={"padding": "x" * 1000}))
        print(seq)
    except OSError:
        pass
try:
    sink.close()
except OSError:
    print("not closed", file=sys.stderr)
"""

HAS_STRACE = shutil.which("strace") is not None


def acknowledged(done: subprocess.CompletedProcess[str]) -> list[int]:
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def kept(folder: Path) -> list[int]:
    """Events that a reader finds; at most one line of a file is torn."""
    found = []
    torn = 0
    for path in folder.iterdir():
        for line in LineReader(path, end=RESERVED).lines():
            try:
                found.append(json.loads(line.data)["event_id"][1])
            except ValueError:
                torn += 1
    assert torn <= 1
    return sorted(found)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.getuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "none", disk], capture_output=True).returncode
    ):
        pytest.skip("needs the right to mount: run the tests as root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.parametrize("way", ["mapped", "appended"])
def test_a_full_disk_costs_only_what_does_not_fit(small_disk: Path, way: str) -> None:
    (small_disk / "ballast").write_bytes(b"\0" * 100_000)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(small_disk / "out.jsonl"), "3000", way], capture_output=True, text=True
    )
    said = acknowledged(done)
    (small_disk / "ballast").unlink()
    assert 1_000 < len(said) < 3_000
    assert kept(small_disk) == said


@pytest.mark.skipif(not HAS_STRACE, reason="apt-get install strace")
def test_an_input_output_error_costs_only_the_lines_that_it_hits(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(tmp_path / "out" / "out.jsonl.open"), "-e", "trace=write",
         "-e", "inject=write:error=EIO:when=5+7", sys.executable, "-c", PROGRAM,
         str(tmp_path / "out" / "out.jsonl"), "50", "appended"],
        capture_output=True, text=True,
    )  # fmt: skip
    said = acknowledged(done)
    assert said == [seq for seq in range(50) if seq % 7 != 4]
    assert kept(tmp_path / "out") == said


@pytest.mark.skipif(not HAS_STRACE, reason="apt-get install strace")
def test_where_no_space_can_be_reserved_lines_are_appended(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fallocate", "-e", "inject=fallocate:error=EIO",
         sys.executable, "-c", PROGRAM, str(tmp_path / "out" / "out.jsonl"), "50"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert acknowledged(done) == list(range(50))
    assert kept(tmp_path / "out") == list(range(50))


@pytest.mark.skipif(shutil.which("unshare") is None, reason="apt-get install util-linux")
def test_a_read_only_folder_is_named_when_the_sink_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    program = f"mount -t tmpfs -o ro none {folder} && exec {sys.executable} -c '{PROGRAM}' {folder}/out.jsonl 1"
    done = subprocess.run(["unshare", "-m", "-r", "sh", "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"SetupError: {folder}/out.jsonl: cannot write events there: Read-only file system" in done.stderr
