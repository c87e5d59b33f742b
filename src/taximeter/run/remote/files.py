"""Inputs and outputs that travel through a place which driver and workers reach by URL, with fsspec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taximeter.run.executor import Task
from taximeter.run.remote.scratch import Scratch
from taximeter.rundir import safe_name


class FilesError(Exception):
    """A file could not be carried; the text says which, and why."""


def folder_of(url: str, task: Task) -> str:
    """The URL of the folder of one attempt."""
    shard = "" if task.shard is None else f".{task.shard}"
    return f"{url.rstrip('/')}/{safe_name(task.run_id)}/{safe_name(task.stage_id)}{shard}.{task.attempt}"


def send_inputs(url: str, task: Task) -> None:
    """Puts what the task reads there, before it is handed out; FilesError."""
    for name, path in task.inputs.items():
        _put(Path(path), _input(url, name))
    sheet = _snapshot(task)
    if sheet.exists():
        _put(sheet, f"{url}/{sheet.name}")


def fetch(url: str, scratch: Scratch) -> None:
    """Gets what the task reads, to where it is told to read it; FilesError."""
    for name, path in scratch.inputs().items():
        _get(_input(url, name), path)
    with _carrying(url):
        has_sheet = _exists(f"{url}/{scratch.run.pricing.name}")
    if has_sheet:
        _get(f"{url}/{scratch.run.pricing.name}", scratch.run.pricing)


def put_back(url: str, scratch: Scratch) -> tuple[int, ...]:
    """Puts there what was made; gives the places in the task of those outputs that were. FilesError."""
    made = [(place, path) for place, path in enumerate(scratch.outputs()) if path.exists()]
    for place, path in made:
        _put(path, _output(url, place))
    return tuple(place for place, _ in made)


def bring_home(url: str, task: Task, made: Iterable[int]) -> None:
    """Gets what was made to where the task has it, each in one step; FilesError."""
    for place in made:
        path = Path(task.outputs[place])
        beside = path.with_name(path.name + ".tmp")
        _get(_output(url, place), beside)
        with _carrying(str(path)):
            beside.rename(path)


def clear(url: str) -> None:
    """Takes the folder of an attempt away; FilesError."""
    with _carrying(url):
        system, path = _system(url)
        if system.exists(path):
            system.rm(path, recursive=True)


def _snapshot(task: Task) -> Path:
    return Path(task.run_dir) / "snapshots" / "pricing.json"


def _input(url: str, name: str) -> str:
    return f"{url}/in/{safe_name(name)}"


def _output(url: str, place: int) -> str:
    return f"{url}/out/{place}"


def _put(path: Path, url: str) -> None:
    with _carrying(str(path)):
        system, there = _system(url)
        system.makedirs(there.rpartition("/")[0], exist_ok=True)
        system.put(str(path), there, recursive=path.is_dir())


def _get(url: str, path: Path) -> None:
    with _carrying(url):
        system, there = _system(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        system.get(there, str(path), recursive=system.isdir(there))


def _exists(url: str) -> bool:
    system, there = _system(url)
    return bool(system.exists(there))


def _system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    system, path = url_to_fs(url)
    return system, path


@contextmanager
def _carrying(what: str) -> Iterator[None]:
    """What can go wrong with a file system of any kind, in words."""
    try:
        yield
    except ImportError as error:
        raise FilesError(f"{what}: {error}") from None
    except (OSError, ValueError) as error:
        raise FilesError(f"{what}: {getattr(error, 'strerror', None) or error}") from None
