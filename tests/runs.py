"""Run directories for tests: written by the real writers, with a clock and ids that are known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from taximeter.clock import FakeClock, Ids
from taximeter.events import SpanEvent
from taximeter.ledger.figures import Figures
from taximeter.numbers import to_json
from taximeter.pricing.sheet import Sheet
from taximeter.recipe.plan import Instrumentation, Plan, PlannedShard, PlannedStage, Source
from taximeter.run.spans import DriverSpans
from taximeter.run.trouble import Trouble
from taximeter.rundir import OutputDir, RunDir
from tests.prices import card

SHEET = Sheet(
    updated_at="2026-11-01",
    entries=(card("big", "0.003", "0.015"), card("small", "0.0000004"), card("local", free=True)),
)


def stage(index: int, id: str, **fields: Any) -> PlannedStage:  # noqa: A002 - the field's name
    return PlannedStage(
        index=index,
        id=id,
        stage=fields.pop("stage", id),
        folder=f"{index:02d}_stage",
        out="artifact.jsonl",
        command=("true",),
        **fields,
    )


def plan(stages: Iterable[PlannedStage], **fields: Any) -> Plan:
    instrumentation = Instrumentation(enabled=True, include_calls=fields.pop("include_calls", 50))
    return Plan(
        recipe_name="test",
        recipe_path="recipe.yaml",
        instrumentation=fields.pop("instrumentation", instrumentation),
        stages=tuple(stages),
        **fields,
    )


def call(model: str = "big", **fields: Any) -> dict[str, Any]:
    return {"schema_version": "instrumentation_call_v1", "model": model, **fields}


class Writing:
    """A run that is being written."""

    def __init__(self, output: Path, of: Plan, run_id: str = "r", sheet: Sheet = SHEET) -> None:
        self.run: RunDir = OutputDir(output).run(run_id)
        self.run.create()
        self.run.plan.write_bytes(of.snapshot())
        if of.instrumentation.enabled:
            self.run.pricing.write_bytes(sheet.encoded)
        self.plan = of
        self.clock = FakeClock()
        self.spans = DriverSpans(self.run.events, run_id, self.clock, Ids("aabbccddeeff"), Trouble())
        self._open: dict[str, SpanEvent] = {}
        self._shards: dict[str, PlannedShard] = {}
        self._sitting = 1

    def sit_down_again(self) -> None:
        """Another driver goes on with the run."""
        self._sitting += 1
        ids = Ids(f"{self._sitting:02x}bbccddeeff")
        self.spans = DriverSpans(self.run.events, self.run.run_id, self.clock, ids, Trouble(), self._sitting)

    def start(self, stage_id: str, attempt: int = 1, shards: int | None = None) -> None:
        of = self._stage(stage_id)
        self.run.stage(of.folder).path.mkdir(exist_ok=True)
        self._open[stage_id] = self.spans.open_stage(of, attempt, shards=shards)

    def start_shard(self, stage_id: str, number: int, attempt: int = 1) -> str:
        """Gives the name by which `sink` and `end` know it."""
        of = self._stage(stage_id)
        fields = msgspec.structs.asdict(of) | {"folder": f"{of.folder}/shards/{number}"}
        shard = PlannedShard(**fields, number=number, count=of.shards)
        self.run.stage(shard.folder).path.mkdir(parents=True, exist_ok=True)
        name = f"{stage_id}/{number}"
        self._shards[name] = shard
        self._open[name] = self.spans.open_shard(shard, attempt, None, self._open[stage_id])
        return name

    def sink(self, stage_id: str, *records: dict[str, Any] | bytes) -> None:
        with self.run.stage(self._stage(stage_id).folder).sink(self._open[stage_id].attempt).open("ab") as file:
            for record in records:
                file.write(record if isinstance(record, bytes) else to_json(record) + b"\n")

    def figures(self, stage_id: str, **fields: Any) -> Figures:
        span = self._open[stage_id]
        known = {
            "cpu_user_seconds": 1.5,
            "cpu_system_seconds": 0.25,
            "max_rss_bytes": 20_000_000,
            "peak_memory_bytes": 30_000_000,
            "io_read_bytes": 4096,
            "io_write_bytes": 8192,
        }
        methods = dict.fromkeys(known, "exact") | {"wall_seconds": "exact", "peak_memory_bytes": "sampled"}
        figures = Figures(
            **{
                "state": "done",
                "started_at": span.started_at,
                "wall_seconds": self.clock.now() - span.started_at,
                "exit_code": 0,
                "methods": methods,
                **known,
                **fields,
            }
        )
        path = self.run.stage(self._stage(stage_id).folder).usage(span.attempt)
        path.write_bytes(msgspec.json.encode(figures))
        return figures

    def end(self, stage_id: str, status: str = "done", seconds: float = 2.0, **fields: Any) -> None:
        self.clock.advance(seconds)
        items_in, error = fields.pop("items_in", None), fields.pop("error", None)
        span = self._open[stage_id]
        is_around = bool(span.meta) and "shards" in span.meta
        figures = None if is_around else self.figures(stage_id, **fields)
        self.spans.close_stage(self._open.pop(stage_id), status, figures, error, items_in=items_in)

    def close(self, status: str = "done", reason: str | None = None) -> None:
        self.spans.close_run(status, reason)

    def _stage(self, stage_id: str) -> PlannedStage:
        return self._shards.get(stage_id) or next(s for s in self.plan.stages if s.id == stage_id)


def source(stage_id: str) -> Source:
    return Source(stage=stage_id)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(), parse_float=Decimal)


def shards_that_print(folder: Path, wrong: Iterable[int] = (), lines: int = 1) -> Writing:
    """A run of a stage with seven shards, of which each takes longer than the one before, and of one without."""
    writing = Writing(folder, plan([stage(1, "share", shards=7, shard_input="rows"), stage(2, "whole")]))
    writing.start("share", shards=7)
    for number in range(7):
        name = writing.start_shard("share", number)
        log = writing.run.stage(f"01_stage/shards/{number}").log(1)
        log.write_text(f"shard {number} says token=hunter2hunter2\n" * lines)
        writing.end(name, "failed" if number in wrong else "done", seconds=1.0 + number)
    writing.end("share", "failed" if wrong else "done")
    writing.start("whole")
    writing.end("whole")
    writing.close()
    return writing
