"""The stages of a run that are run as shards: what has become of these, and of each stage when none is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from taximeter.events import SpanEvent, Status
from taximeter.recipe.plan import PlannedShard, PlannedStage
from taximeter.report.build import Books
from taximeter.run.aside import Aside
from taximeter.run.attempts import Attempts
from taximeter.run.ending import Ending
from taximeter.run.reuse import Look
from taximeter.run.share import join
from taximeter.run.spans import DriverSpans

_GRAVITY: tuple[Status, ...] = ("done", "lost", "failed", "over_budget", "cancelled")
"""How shards can end; the gravest word is that on their stage."""


class Sharded(msgspec.Struct):
    """A stage that is run as shards."""

    stage: PlannedStage
    span: SpanEvent
    fingerprint: str | None
    shards: tuple[PlannedShard, ...]
    left: int
    """How many have not ended: they run, or wait for it."""

    running: int = 0
    status: Status = "done"
    error: str | None = None
    """The gravest word on those that have ended."""

    def note(self, status: Status, error: str | None) -> None:
        """One has ended, or all of them cannot be run."""
        if _GRAVITY.index(status) > _GRAVITY.index(self.status):
            self.status, self.error = status, error


class Shards:
    """The stages that are run as shards now. `ended` is told of the end of each."""

    def __init__(
        self,
        books: Books,
        spans: DriverSpans,
        attempts: Attempts,
        ending: Ending,
        ended: Callable[[PlannedStage, Status, str | None], None],
    ) -> None:
        self._ending = ending
        self._ended = ended
        self._books = books
        self._spans = spans
        self._attempts = attempts
        self._stages: dict[str, Sharded] = {}
        self.joins: Aside[Sharded, str | None] = Aside(self._join)
        """Joins the artifacts of shards; answers why they cannot be, if so."""

        self._joining: set[str] = set()
        """Ids of stages whose shards are all done."""

    def begin(self, stage: PlannedStage, look: Look) -> Iterator[PlannedShard]:
        """Begins a stage; gives the shards that are to be run."""
        to_run = [shard for shard in look.shards if shard.number not in look.done]
        number = self._attempts.next(stage)
        span = self._spans.open_stage(stage, number, look.fingerprint, shards=len(look.shards))
        sharded = self._stages[stage.id] = Sharded(stage, span, look.fingerprint, look.shards, left=len(to_run))
        if look.trouble is not None:
            sharded.note("failed", look.trouble)
        return iter(to_run)

    def of(self, stage: PlannedStage) -> Sharded | None:
        """The stage that a shard is one of; None if it is none."""
        return self._stages[stage.id] if isinstance(stage, PlannedShard) else None

    def begins(self, stage: PlannedStage) -> SpanEvent | None:
        """An attempt begins; gives the span around it if it is one of a shard."""
        sharded = self.of(stage)
        if sharded is None:
            return None
        sharded.running += 1
        return sharded.span

    def ends(self, stage: PlannedStage) -> None:
        """An attempt has ended."""
        if sharded := self.of(stage):
            sharded.running -= 1

    @property
    def are_joined(self) -> bool:
        """Whether artifacts are being joined, and somebody waits for that."""
        return bool(self._joining) and self._ending.signal is None

    def ended(self, shard: PlannedShard, status: Status, error: str | None) -> None:
        """There is no other attempt of a shard."""
        sharded = self._stages[shard.id]
        sharded.left -= 1
        sharded.note(status, error and named(shard, error))
        self.conclude(shard.id)

    def conclude(self, stage_id: str) -> None:
        """Ends a stage if none of its shards runs or will; what they made is joined first, if all are done."""
        sharded = self._stages[stage_id]
        if sharded.running or (sharded.left and not self._ending.is_near):
            return
        if sharded.left:
            self._cut_short(sharded)
        elif sharded.status == "done":
            self._joining.add(stage_id)
            self.joins.ask(sharded)
        else:
            self._close(sharded)

    def joined(self) -> None:
        """Ends the stages whose artifacts are joined."""
        for sharded, trouble in self.joins.answers():
            if trouble:
                sharded.note("failed", trouble)
            self._close(sharded)

    def cut_short(self) -> None:
        """Ends the stages that have not ended: nobody goes on with them."""
        for sharded in list(self._stages.values()):
            self._cut_short(sharded)

    def _cut_short(self, sharded: Sharded) -> None:
        if sharded.status == "done":
            sharded.note(*self._ending.cut_short())
        self._close(sharded)

    def _close(self, sharded: Sharded) -> None:
        del self._stages[sharded.stage.id]
        self._joining.discard(sharded.stage.id)
        if sharded.status == "failed":
            self._ending.failed(sharded.stage.id, sharded.error or "")
        items_in, items_out = self._items(sharded)
        self._spans.close_stage(sharded.span, sharded.status, None, sharded.error, items_in, items_out)
        self._ended(sharded.stage, sharded.status, sharded.error)

    def _join(self, sharded: Sharded) -> str | None:
        artifacts = self._attempts.artifacts
        try:
            join([artifacts.of(shard) for shard in sharded.shards], artifacts.of(sharded.stage))
        except OSError as error:
            return f"the artifacts of its shards cannot be joined: {error}"
        return None

    def _items(self, sharded: Sharded) -> tuple[int | None, int | None]:
        """What its shards read and made."""
        self._books.ledger.poll()
        spans = self._books.ledger.stages().get(sharded.stage.id)
        last = [spans.shards[n][-1] for n in range(len(sharded.shards)) if n in spans.shards] if spans else []
        from taximeter.report.stage import known  # few runs have shards

        return known(sum, (span.items_in for span in last)), known(sum, (span.items_out for span in last))


def named(stage: PlannedStage, text: str) -> str:
    """What is said of a stage, or of a shard of it."""
    return f"shard {stage.number}: {text}" if isinstance(stage, PlannedShard) else text
