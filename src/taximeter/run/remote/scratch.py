"""The directory on a node in which an attempt is run, laid out like the true run directory."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from taximeter import settings
from taximeter.run.environment import STARTUP
from taximeter.run.executor import Task
from taximeter.run.remote.folder import Folder
from taximeter.run.remote.wire import Parcel, growing_files, inside
from taximeter.rundir import RunDir

_GPUS = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
"""Variables by which an engine gives a worker its share; the driver's own mean another machine."""


class Scratch:
    """Is there while it is entered. It lies on a disk of the node, since journals are mapped into memory."""

    def __init__(self, parcel: Parcel) -> None:
        self._folder = Folder()
        self._root = self._folder.path
        self._parcel = parcel
        self._true = parcel.task
        self.run = RunDir(self._root / Path(self._true.run_dir).name)
        self._own = growing_files(self._true)
        self.growing = {name: self._flat(place, name) for place, name in enumerate(self._own)}
        """Where files lie here that are only appended to, by their paths in the run directory."""

        usage = self._true.usage_path
        self.usage = None if usage is None else self._flat(len(self._own), usage)

    def __enter__(self) -> Self:
        self.run.events.mkdir(parents=True)
        if self._parcel.files is None:
            self.run.snapshots.symlink_to(Path(self._true.run_dir) / self.run.snapshots.name)
        else:
            self.run.snapshots.mkdir()
            for name in (*self._own, *(inside(self._true, path) for path in self._true.outputs)):
                (self.run.path / name).parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._folder.remove()

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
            log_path=None if task.log_path is None else str(self.growing[inside(task, task.log_path)]),
            usage_path=None if self.usage is None else str(self.usage),
            is_kept=False,
        )

    def _flat(self, place: int, name: str) -> Path:
        """Beside all others: who makes a folder has to remove it."""
        return self.run.path / f"{place}.{Path(name).name}"

    def _outside(self, name: str, path: str) -> Path:
        return self._root / "inputs" / name / Path(path).name

    def _translation(self) -> Callable[[str], str]:
        """What makes a text of the driver one of this node."""
        places = self._places()

        def words(text: str) -> str:
            if text in places:
                return places[text]
            named = tuple(place for place in places if place in text)
            return _any_of(named).sub(lambda found: places[found[0]], text) if named else text

        return words

    def _places(self) -> dict[str, str]:
        """What lies somewhere else here, by where the driver has it. With a shared directory that is what the attempt
        tells of itself, and everything in the run directory without one."""
        places = {self._parcel.python: sys.executable, self._parcel.startup: STARTUP}
        places |= {path: str(self.growing[name]) for name, path in self._own.items()}
        if self._parcel.files is not None:
            places |= {self._true.inputs[name]: str(path) for name, path in self.inputs().items()}
            places[self._true.run_dir] = str(self.run.path)
        return places


@lru_cache
def _any_of(places: tuple[str, ...]) -> re.Pattern[str]:
    """Finds these paths, and none that one of them only begins or ends."""
    longest_first = sorted(places, key=len, reverse=True)
    return re.compile(rf"(?<![\w.~/-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w.~-])")
