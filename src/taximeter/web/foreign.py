"""Runs of which only the files of a report or of a state are left: they show what those say."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from taximeter.errors import RunDirError
from taximeter.journal.reader import UNREADABLE
from taximeter.report import json, records
from taximeter.rundir import RunDir
from taximeter.web.beneath import open_file
from taximeter.web.moments import moment

_LARGEST = 32_000_000
"""Bytes of a report or a state that are read."""


class StageState(msgspec.Struct):
    """What a state says of one stage; every field may be missing."""

    status: str | None = None
    artifact: str | None = None
    updated_at: str | None = None
    started_at: str | None = None
    module_id: str | None = None
    description: str | None = None


class State(msgspec.Struct):
    """`pipeline_state.json`, as far as anything of it is there."""

    status: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    stages: dict[str, StageState] = {}

    @property
    def updated_at(self) -> float | None:
        """When the newest of its stages was last heard of, in seconds since the epoch."""
        told = [at for stage in self.stages.values() if (at := moment(stage.updated_at)) is not None]
        return max(told, default=None)


def read_state(run: RunDir) -> State | None:
    """The state of a run, as its driver left it; None if there is none that can be read."""
    text = _read(run, run.state.name)
    try:
        return None if text is None else msgspec.json.decode(text, type=State)
    except UNREADABLE:
        return None


def report_files(run: RunDir) -> records.RunInstrumentation:
    """The report that lies in a directory, else one made of its state; RunDirError if there is neither."""
    text = _read(run, run.report_json.name)
    try:
        if text is not None:
            return json.parse(text.decode())
    except (msgspec.DecodeError, ValueError):
        pass  # somebody else's report; the state may still tell something
    state = read_state(run)
    if state is None:
        raise RunDirError(f"{run.path} holds neither events nor a report nor a state of a run")
    return _of_state(run.run_id, state)


def _of_state(run_id: str, state: State) -> records.RunInstrumentation:
    begin, end = moment(state.started_at), moment(state.ended_at)
    stages = [_stage(stage_id, stage) for stage_id, stage in state.stages.items()]
    return records.RunInstrumentation(
        run_id=run_id,
        status=_status(state.status),
        metered=False,
        started_at=state.started_at,
        ended_at=state.ended_at,
        wall_seconds=max(end - begin, 0.0) if begin is not None and end is not None else None,
        stages=stages,
        headline=None,
    )


def _stage(stage_id: str, stage: StageState) -> records.StageInstrumentation:
    begin, end = moment(stage.started_at), moment(stage.updated_at)
    figures: dict[str, Any] = {"started_at": stage.started_at, "ended_at": stage.updated_at}
    if begin is not None and end is not None:
        figures["wall_seconds"] = max(end - begin, 0.0)
    return records.StageInstrumentation(
        id=stage_id,
        stage=stage_id,
        module_id=stage.module_id,
        description=stage.description,
        status=_status(stage.status),
        artifact=stage.artifact,
        **figures,
    )


def _status(told: str | None) -> records.Status:
    known: dict[str, records.Status] = {status: status for status in records.Status.__args__}  # type: ignore[attr-defined]
    return known.get(told or "", "lost")


def _read(run: RunDir, name: str) -> bytes | None:
    try:
        root = os.open(run.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with os.fdopen(open_file(root, name), "rb") as file:
                return file.read(_LARGEST)
        finally:
            os.close(root)
    except OSError:
        return None
