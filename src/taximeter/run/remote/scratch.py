"""The directory on a node in which an attempt is run, laid out like the true run directory."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from taximeter import settings
from taximeter.run.environment import STARTUP
from taximeter.run.executor import Task
from taximeter.run.remote.wire import Parcel, growing_files, inside
from taximeter.rundir import RunDir

_PREFIX = "taximeter-"
_GPUS = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
"""Variables by which an engine gives a worker its share; the driver's own mean another machine."""


class Scratch:
    """Is there while it is entered. It lies on a disk of the node, since journals are mapped into memory."""

    def __init__(self, parcel: Parcel) -> None:
        self._root = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._parcel = parcel
        self._true = parcel.task
        self.run = RunDir(self._root / "runs" / Path(self._true.run_dir).name)

    def __enter__(self) -> Self:
        self.run.create()
        usage = () if self._true.usage_path is None else (inside(self._true, self._true.usage_path),)
        for name in (*growing_files(self._true), *usage):
            (self.run.path / name).parent.mkdir(parents=True, exist_ok=True)
        if self._parcel.files is None:
            self.run.snapshots.rmdir()
            self.run.snapshots.symlink_to(Path(self._true.run_dir) / self.run.snapshots.name)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def inputs(self) -> dict[str, Path]:
        """Where inputs lie that travel by URL, by name."""
        found: dict[str, Path] = {}
        for name, path in self._true.inputs.items():
            lies_inside = Path(path).is_relative_to(self._true.run_dir)
            found[name] = self.run.path / inside(self._true, path) if lies_inside else self._outside(name, path)
        return found

    def outputs(self) -> list[Path]:
        """Where outputs are made that travel by URL, in the order of the task."""
        return [self.run.path / inside(self._true, path) for path in self._true.outputs]

    def task(self) -> Task:
        """The task with its paths as they are here."""
        task, words = self._true, self._translation()
        environment = {name: words(value) for name, value in task.env.items()}
        if settings.RUN_DIR.name in environment:
            environment[settings.RUN_DIR.name] = str(self.run.path)
        if task.gpus:
            environment |= {name: os.environ[name] for name in _GPUS if name in os.environ}
        cwd = words(task.cwd)
        if self._parcel.files is not None and not Path(cwd).is_dir():
            cwd = str(self.run.path)
        return msgspec.structs.replace(
            task,
            argv=[words(word) for word in task.argv],
            env=environment,
            cwd=cwd,
            log_path=None if task.log_path is None else self._here(task.log_path),
            usage_path=None if task.usage_path is None else self._here(task.usage_path),
        )

    def _here(self, path: str) -> str:
        return str(self.run.path / inside(self._true, path))

    def _outside(self, name: str, path: str) -> Path:
        return self._root / "inputs" / name / Path(path).name

    def _translation(self) -> Callable[[str], str]:
        """What makes a text of the driver one of this node."""
        places = self._places()
        longest_first = sorted(places, key=len, reverse=True)
        pattern = re.compile(rf"(?<![\w.~/-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w.~-])")
        return lambda text: pattern.sub(lambda found: places[found[0]], text)

    def _places(self) -> dict[str, str]:
        """What lies somewhere else here, by where the driver has it. With a shared directory that is what the attempt
        tells of itself, and everything in the run directory without one."""
        places = {self._parcel.python: sys.executable, self._parcel.startup: STARTUP}
        places |= {path: self._here(path) for path in growing_files(self._true).values()}
        if self._parcel.files is not None:
            places |= {self._true.inputs[name]: str(path) for name, path in self.inputs().items()}
            places[self._true.run_dir] = str(self.run.path)
        return places
