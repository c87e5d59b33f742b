"""Stages that are really launched, and what is left of them afterwards."""

from __future__ import annotations

import os
import select
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from taximeter.ledger.figures import Figures
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.messages import Done, Launch, Lost, Message

MARK = "STAGE_OF_A_TEST"
PATIENCE = 30.0
"""Seconds after which something that must happen has not."""

M = TypeVar("M", bound=Message)


def program(code: str, *arguments: str) -> list[str]:
    """A small Python program as an argv; `os`, `sys` and `time` are imported."""
    return [sys.executable, "-I", "-S", "-c", f"import os, sys, time\n{code}", *arguments]


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether the condition came true within this time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def children(pid: int) -> set[int]:
    """The processes that a process has started, or was given."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def marked(mark: str) -> set[int]:
    """Living processes that have this mark in their environment."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and mark.encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
        except OSError:
            pass  # it has gone meanwhile
    return found


class Stage:
    """A launched stage that remembers all it was told, and knows its processes by a mark in their environment."""

    def __init__(self, handle: StageHandle, mark: str) -> None:
        self.handle = handle
        self.messages: list[Message] = []
        self._mark = mark

    def hear(self, kind: type[M]) -> M:
        """The first message of this kind, waited for."""
        end = time.monotonic() + PATIENCE
        while not (found := [message for message in self.messages if isinstance(message, kind)]):
            assert time.monotonic() < end, f"no {kind.__name__}, only {self.messages}"
            if select.select([self.handle], [], [], 0.1)[0]:
                self.messages += self.handle.read()
            over = [message for message in self.messages if isinstance(message, Done | Lost)]
            came = any(isinstance(message, kind) for message in self.messages)  # it may come with the last one
            assert not over or came, f"no {kind.__name__}, but {over[0]}"
        return found[0]

    def figures(self) -> Figures:
        """What the whole stage took; its supervisor may have another one."""
        done = self.hear(Done)
        self.handle.close()
        return done.figures

    def processes(self) -> set[int]:
        """Those of its processes that live."""
        return marked(self._mark)


class Launcher:
    """Launches stages in a folder, through one forkserver."""

    def __init__(self, forkserver: Forkserver, folder: Path) -> None:
        self.forkserver = forkserver
        self.folder = folder
        self.log = folder / "log.txt"
        self.usage = folder / "usage.json"
        self._stages: list[Stage] = []

    def task(self, argv: list[str], *, env: dict[str, str] | None = None, **fields: object) -> Launch:
        """A metered task in the folder."""
        paths = {"cwd": str(self.folder), "log_path": str(self.log), "usage_path": str(self.usage)}
        return Launch(argv=argv, env={"PATH": os.environ["PATH"]} | (env or {}), **(paths | fields))  # type: ignore[arg-type]  # the fields of a test

    def launch(self, argv: list[str], *, env: dict[str, str] | None = None, **fields: object) -> Stage:
        """Launches an argv as a metered stage."""
        mark = uuid.uuid4().hex
        stage = Stage(self.forkserver.launch(self.task(argv, env={MARK: mark} | (env or {}), **fields)), mark)
        self._stages.append(stage)
        return stage

    def run(self, argv: list[str], *, env: dict[str, str] | None = None, **fields: object) -> Figures:
        """Launches an argv as a metered stage and waits for its end."""
        return self.launch(argv, env=env, **fields).figures()

    def close(self) -> None:
        """Lets go of all stages."""
        for stage in self._stages:
            stage.handle.close()
