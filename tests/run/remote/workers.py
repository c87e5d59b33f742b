"""A worker without an engine: a plain process that runs one attempt and writes its messages to a pipe."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import taximeter
from taximeter import settings
from taximeter.clock import Clock, SystemClock
from taximeter.run.executor import Done, Event, Lost, Task
from taximeter.run.remote.home import Receiver
from taximeter.rundir import RunDir

_PROGRAM = """
import os, struct, sys
from taximeter.run.remote.worker import work
def ordered():
    try:
        return float(os.read(0, 8))
    except BlockingIOError:
        return None
os.set_blocking(0, False)
for message in work(sys.argv[1], open(sys.argv[2], 'rb').read(), ordered):
    sys.stdout.buffer.write(struct.pack('>I', len(message)) + message)
    sys.stdout.flush()
"""


def run_dir(folder: Path) -> RunDir:
    run = RunDir(folder / "output" / "runs" / "r")
    run.create()
    run.stage("01_a").path.mkdir()
    return run


def task(run: RunDir, argv: list[str], **more: object) -> Task:
    """An attempt as the driver makes it."""
    stage = run.stage("01_a")
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        settings.ENABLED.name: "1",
        settings.STAGE_RUN_ID.name: run.run_id,
        settings.STAGE_ID.name: "a",
        settings.RUN_ID.name: run.run_id,
        settings.RUN_DIR.name: str(run.path),
        settings.INSTRUMENT_SINK.name: str(stage.sink(1)),
        settings.PROGRESS_FILE.name: str(stage.progress(1)),
        "OUT": str(stage.path / "out"),
        "OF": str(run.path.parent.parent.parent),
    }
    fields: dict[str, object] = {
        "run_id": run.run_id,
        "run_dir": str(run.path),
        "stage_id": "a",
        "attempt": 1,
        "argv": argv,
        "env": environment,
        "cwd": str(run.path.parent),
        "outputs": (str(stage.path / "out"),),
        "log_path": str(stage.log(1)),
        "usage_path": str(stage.usage(1)),
    }
    return Task(**(fields | more))  # type: ignore[arg-type]


class Worker:
    """A process that runs one attempt; `messages` yields what it tells."""

    def __init__(self, receiver: Receiver, tmp_path: Path, version: str = taximeter.__version__) -> None:
        parcel = tmp_path / "parcel"
        parcel.write_bytes(receiver.pack())
        self.scratch = tmp_path / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, version, str(parcel)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"TMPDIR": str(self.scratch)},
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def order(self, grace: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(str(grace).encode())
        self.process.stdin.flush()

    def messages(self) -> Iterator[bytes]:
        assert self.process.stdout is not None
        while header := self.process.stdout.read(4):
            yield self.process.stdout.read(struct.unpack(">I", header)[0])


def receiver(of: Task, clock: Clock | None = None, **more: str) -> Receiver:
    return Receiver(of, clock or SystemClock(), **more)


def last(events: list[Event]) -> Done:
    assert isinstance(events[-1], Done), events
    return events[-1]


def lost(events: list[Event]) -> Lost:
    assert isinstance(events[-1], Lost), events
    return events[-1]
