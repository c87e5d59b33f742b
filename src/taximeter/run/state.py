"""What the driver tells others while a run goes on: its state, and a line for every step."""

from __future__ import annotations

import os
from typing import get_args

import msgspec

from taximeter.clock import Clock, iso
from taximeter.events import Status
from taximeter.ledger.manifest import ReportFiles
from taximeter.ledger.progress import ProgressLine, ProgressReader, together
from taximeter.recipe.plan import Plan, PlannedShard, PlannedStage
from taximeter.run.paced import Paced
from taximeter.run.trouble import Trouble
from taximeter.rundir import RunDir, append_line, replace

_NOTHING_SAID = ProgressLine()
_REST = 0.1
"""Seconds between two writings of the state: nobody sees more, and each one waits for the disk."""

_STATUSES: dict[str, Status] = {status: status for status in get_args(Status)}


class StageProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stage says that it is."""

    current: float | None = None
    total: float | None = None
    percent: float | None = None
    message: str | None = None
    bad_lines: int = 0
    """Lines of its progress file that say nothing of progress."""


class StageState(msgspec.Struct, kw_only=True):
    """What is known of one stage."""

    status: Status = "pending"
    artifact: str | None = None
    updated_at: str
    module_id: str | None = None
    schema_version: str | None = None
    description: str | None = None
    progress: StageProgress | None = None
    """The latest that a program of it has said."""


class RunState(msgspec.Struct, kw_only=True):
    """`pipeline_state.json`."""

    run_id: str
    status: Status = "running"
    status_reason: str | None = None
    started_at: str
    ended_at: str | None = None
    stages: dict[str, StageState]


class StateFiles:
    """Keeps `pipeline_state.json` up to date and appends to `pipeline_events.jsonl`."""

    def __init__(
        self,
        run: RunDir,
        plan: Plan,
        reports: ReportFiles | None,
        started_at: float,
        clock: Clock,
        trouble: Trouble,
    ) -> None:
        self._run = run
        self._trouble = trouble
        self._clock = clock
        self._stages = {stage.id: stage for stage in plan.stages}
        self._untold: list[bytes] = []
        """Lines that have not been appended yet."""

        self._said: dict[str, dict[int, ProgressLine]] = {}
        """The latest that each shard has said of its progress."""

        self._extra = {} if reports is None else {"instrument": True, "instrumentation": msgspec.to_builtins(reports)}
        begin = iso(started_at)
        self.state = RunState(
            run_id=run.run_id,
            started_at=begin,
            stages={
                stage.id: StageState(
                    updated_at=begin,
                    module_id=stage.module_id,
                    schema_version=stage.output_schema.version if stage.output_schema else None,
                    description=stage.description,
                )
                for stage in plan.stages
            },
        )
        self.paced = Paced(self._write, clock, rest=_REST)
        self.paced.flush()

    def stage(self, stage: PlannedStage, status: Status, message: str | None = None) -> None:
        """Notes the status of a stage; `tell` writes it."""
        now = iso(self._clock.now())
        state = self.state.stages[stage.id]
        state.status, state.updated_at = status, now
        artifact = f"{stage.folder}/{stage.out}"
        if os.path.exists(f"{self._run.path}/{artifact}"):  # noqa: PTH110 - it is asked twice of each stage
            state.artifact = artifact
        self._event(now, stage.id, status, message, state)
        self.paced.want()

    def progress(self, stage: PlannedStage, reader: ProgressReader) -> None:
        """Passes on what a stage has said of its progress since the last time."""
        known, news = reader.bad_lines, reader.news()
        if not news and reader.bad_lines == known:
            return
        state, now = self.state.stages[stage.id], iso(self._clock.now())
        for said in news:
            whole = self._with_other_shards(stage, said)
            self._event(now, stage.id, _STATUSES.get(said.status or "", "running"), said.message, state, whole)
        before = state.progress or StageProgress()
        last = whole if news else before
        state.progress = StageProgress(
            current=last.current,
            total=last.total,
            percent=last.percent,
            message=last.message,
            bad_lines=before.bad_lines + reader.bad_lines - known,
        )
        state.updated_at = now
        self.paced.want()

    def _with_other_shards(self, stage: PlannedStage, said: ProgressLine) -> ProgressLine:
        """What a stage says as it is; what a shard says as the sum of what all of them say."""
        if not isinstance(stage, PlannedShard):
            return said
        shards = self._said.setdefault(stage.id, {})
        shards[stage.number] = said
        whole = together([shards.get(number) for number in range(stage.count)]) or said
        return msgspec.structs.replace(whole, message=said.message, extra=said.extra | {"shard": stage.number})

    def status(self, stage_id: str) -> Status:
        """How a stage stands."""
        return self.state.stages[stage_id].status

    def is_complete(self) -> bool:
        """Whether every stage is done, here or where it was reused from."""
        return all(stage.status in ("done", "reused") for stage in self.state.stages.values())

    def end(self, status: Status, reason: str | None) -> None:
        """Notes the end of the run."""
        now = iso(self._clock.now())
        self.state.status, self.state.status_reason, self.state.ended_at = status, reason, now
        self._event(now, None, status, reason, None)
        self.tell()
        self.paced.flush()

    def tell(self) -> None:
        """Appends what was noted since the last time."""
        if self._untold:
            with self._trouble:
                append_line(self._run.progress, b"\n".join(self._untold))
            self._untold.clear()

    def _event(
        self,
        now: str,
        stage_id: str | None,
        status: Status,
        message: str | None,
        of: StageState | None,
        said: ProgressLine = _NOTHING_SAID,
    ) -> None:
        record = {
            "timestamp": now,
            "run_id": self._run.run_id,
            "stage": stage_id,
            "status": status,
            "current": said.current,
            "total": said.total,
            "percent": said.percent,
            "message": message,
            "artifact": of.artifact if of else None,
            "module_id": of.module_id if of else None,
            "schema_version": of.schema_version if of else None,
            "stage_description": of.description if of else None,
            "extra": said.extra | self._extra,
        }
        self._untold.append(msgspec.json.encode(record))

    def _write(self) -> None:
        with self._trouble:
            replace(self._run.state, msgspec.json.encode(self.state))
