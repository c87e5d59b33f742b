"""What the page of a run shows beside its report, out of the run directory: log tails, artifacts, notes, snapshots."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from taximeter.clock import iso
from taximeter.journal.reader import UNREADABLE
from taximeter.recipe.plan import Plan, PlannedStage, read_plan
from taximeter.redact import without_secrets
from taximeter.report.records import StageInstrumentation
from taximeter.rundir import SHARDS, RunDir, StageDir

_ALL_LOGS, _LOG, _SHARD_LOGS = 40_000, 4_000, 4
_ALL_FILES, _FILES = 240, 20
_ALL_NOTES, _NOTE = 24_000, 2_000
_SNAPSHOT = 6_000
"""Bytes, files and letters that a page has room for, of all stages and of one, which some of its shards share."""

_WENT_WRONG = frozenset({"failed", "lost", "over_budget"})

_SNAPSHOTS = ("recipe.yaml", "settings.yaml", "instrumentation.yaml", "plan.json", "pricing.json", "registry.json")


class LogTail(msgspec.Struct, frozen=True):
    """The end of what an attempt printed."""

    attempt: int
    size: int
    begin: int
    """Offset of the first byte of `text`."""

    text: str
    """Without what looks like a secret."""


class File(msgspec.Struct, frozen=True):
    """One file of a stage."""

    path: str
    """From the folder of the stage."""

    size: int
    modified: str


class Files(msgspec.Struct, frozen=True):
    """What lies in the folder of a stage."""

    folder: str
    files: list[File]
    left_out: int
    """How many more there are."""


class Snapshot(msgspec.Struct, frozen=True):
    """What a run was made from, as it was kept."""

    name: str
    size: int
    text: str
    """Its beginning."""


class Attached(msgspec.Struct, frozen=True):
    """What a page shows beside the report; everything is bounded, and says how much there is."""

    modules: dict[str, str] = {}
    """What modules say of themselves, by stage id."""

    logs: dict[str, LogTail] = {}
    """By stage id, of the latest attempt that has one."""

    shard_logs: dict[str, dict[str, LogTail]] = {}
    """The same of shards, by their numbers: of those that went wrong, else of the slowest one."""

    files: dict[str, Files] = {}
    """By stage id."""

    snapshots: list[Snapshot] = []
    base: str = "."
    """Way from the page to the run directory."""


NOTHING = Attached()


def attached(run: RunDir, stages: Sequence[StageInstrumentation], base: str = ".") -> Attached:
    """What the directory of a run holds now; links in it and what is no regular file are passed over.

    `stages` are those of its report.
    """
    try:
        plan = read_plan(run.plan)
    except (OSError, *UNREADABLE):
        return Attached(snapshots=snapshots(run), base=base)
    many = max(len(plan.stages), 1)
    own = [stage for stage in plan.stages if not run.stage(stage.folder).path.is_symlink()]
    room = min(_LOG, _ALL_LOGS // many)
    logs = {stage.id: _log(run.stage(stage.folder), room) for stage in own}
    folders = {stage.id: stage.folder for stage in own}
    shard_logs = {
        stage.id: _logs_of_shards(run, folders[stage.id], stage, room)
        for stage in stages
        if stage.shards and stage.id in folders
    }
    files = {stage.id: _files(run, stage, min(_FILES, max(_ALL_FILES // many, 1))) for stage in own}
    return Attached(
        modules=notes(plan),
        logs={stage_id: log for stage_id, log in logs.items() if log is not None},
        shard_logs={stage_id: found for stage_id, found in shard_logs.items() if found},
        files={stage_id: found for stage_id, found in files.items() if found.files},
        snapshots=snapshots(run),
        base=base,
    )


def notes(plan: Plan) -> dict[str, str]:
    """What modules say of themselves, by stage id."""
    most = min(_NOTE, _ALL_NOTES // max(len(plan.stages), 1))
    return {stage.id: _cut(stage.notes.strip(), most) for stage in plan.stages if stage.notes}


def snapshots(run: RunDir) -> list[Snapshot]:
    """The beginnings of what a run was made from."""
    found = []
    for name in _SNAPSHOTS:
        if (file := _opened(run.snapshots / name)) is not None:
            with file:
                data = file.read(_SNAPSHOT)
                size = os.fstat(file.fileno()).st_size
            found.append(Snapshot(name, size, without_secrets(data.decode("utf-8", "replace"))))
    return [snapshot for snapshot in found if snapshot.size]


def _logs_of_shards(run: RunDir, folder: str, stage: StageInstrumentation, most: int) -> dict[str, LogTail]:
    shards = sorted((shard for shard in stage.shards if shard.shard is not None), key=lambda s: -(s.wall_seconds or 0))
    shown = [shard for shard in shards if shard.status in _WENT_WRONG][:_SHARD_LOGS] or shards[:1]
    places = {str(shard.shard): run.stage(f"{folder}/{SHARDS}/{shard.shard}") for shard in shown}
    logs = {number: _log(place, most // len(shown)) for number, place in places.items() if not place.path.is_symlink()}
    return {number: log for number, log in logs.items() if log is not None}


def _log(folder: StageDir, most: int) -> LogTail | None:
    attempt = 1
    while os.path.exists(folder.log(attempt + 1)):  # noqa: PTH110 - it is asked of each stage
        attempt += 1
    path = folder.log(attempt)
    if _is_empty(path):  # as those of most programs are: it need not be opened
        return LogTail(attempt, 0, 0, "")
    file = _opened(path)
    if file is None:
        return None
    with file:
        size = os.fstat(file.fileno()).st_size
        begin = max(size - most, 0)
        data = os.pread(file.fileno(), most, begin)
    if begin:  # not the rest of a line or word, which could be half a secret
        whole = data.partition(b"\n")[2] or b" ".join(data.split(None, 1)[1:])
        begin, data = begin + len(data) - len(whole), whole
    return LogTail(attempt, size, begin, without_secrets(data.decode("utf-8", "replace")))


def _is_empty(path: Path) -> bool:
    try:
        about = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(about.st_mode) and not about.st_size


def _files(run: RunDir, stage: PlannedStage, most: int) -> Files:
    folder = run.stage(stage.folder).path
    root, artifact = str(folder), str(folder / stage.out)
    found = sorted(_below(root), key=lambda entry: (entry.path != artifact, entry.path.split("/")))
    return Files(stage.folder, [_file(entry, root) for entry in found[:most]], max(len(found) - most, 0))


_MOST_LOOKED_AT = 2_000


def _below(root: str) -> Iterator[os.DirEntry[str]]:
    """Regular files below a folder; no more of them than anybody would wait for."""
    waiting, seen = [root], 0
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > _MOST_LOOKED_AT:
                        return
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry
        except OSError:
            continue  # it is gone, or somebody else's


def _file(entry: os.DirEntry[str], root: str) -> File:
    name = entry.path.removeprefix(f"{root}/").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:  # it went just now
        return File(name, 0, "")
    return File(name, found.st_size, iso(found.st_mtime))


def _opened(path: Path) -> BinaryIO | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would keep us waiting
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    os.close(fd)
    return None


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
