"""Which stages need not be run again, because what they would make is there already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from taximeter.recipe.plan import Plan, PlannedShard, PlannedStage, StageKey
from taximeter.run.artifacts import Artifacts
from taximeter.run.choice import Choice
from taximeter.run.earlier import Made, take_over
from taximeter.run.fingerprint import Fingerprints
from taximeter.run.parts import part_of, shards_of
from taximeter.run.share import share_out
from taximeter.rundir import RunDir


class Look(msgspec.Struct, frozen=True):
    """What was found out about a stage before it is run."""

    fingerprint: str | None
    made: Made | None = None
    """What can be used instead of running it."""

    stale: bool = False
    shards: tuple[PlannedShard, ...] = ()
    """The shards that it is to be run as, their parts of the input being there."""

    done: frozenset[int] = frozenset()
    """Those that need not be run again, by their numbers."""

    trouble: str | None = None
    """Why it cannot be run."""

    @property
    def reused_from(self) -> str | None:
        """The other run that it was done in."""
        return self.made.reused_from if self.made else None


class Reuse:
    """Knows what was made before.

    `here` and `elsewhere` are what may be reused, from this run directory and from another one, by stage id; and
    `shards` are those of this run directory, with the fingerprints of their stages.
    """

    def __init__(
        self,
        run: RunDir,
        choice: Choice,
        here: Mapping[str, Made],
        elsewhere: Mapping[str, Made],
        artifacts: Artifacts,
        fingerprints: Fingerprints,
        shards: Mapping[StageKey, str],
    ) -> None:
        self.choice = choice
        self._run = run
        self._here = here
        self._elsewhere = elsewhere
        self._artifacts = artifacts
        self._fingerprints = fingerprints
        self._shards = shards
        self._looked_at: set[str] = set()
        self._cwd = Path.cwd()

    def keep(self, stage: PlannedStage) -> Look:
        """A stage that is taken as it is, whatever has changed."""
        made = self._here[stage.id]
        self._fingerprints.keep(stage, made.fingerprint)
        return Look(made.fingerprint, made, made.stale or stage.id in self.choice.stale)

    def look(self, stage: PlannedStage) -> Look:
        """Whether the stage must be run, asked once all that it needs is there.

        Who asks again has tried it: from then on nothing that lies there counts.
        """
        fingerprint = self._fingerprints.of(stage)
        is_retry = stage.id in self._looked_at
        self._looked_at.add(stage.id)
        if fingerprint is None or is_retry or stage.id in self.choice.again:
            return Look(fingerprint)
        return Look(fingerprint, self._unchanged(stage, fingerprint))

    def is_quick(self, stage: PlannedStage) -> bool:
        """Whether a look at the stage reads little, and nothing is to be shared out or could be made by another run."""
        return not (stage.shards or self._elsewhere) and self._fingerprints.is_quick(stage)

    def settle(self, stage: PlannedStage) -> Look:
        """The same, and what is to be reused is brought to where this run has it; what cannot be copied is run.

        The input of a stage that is run as shards is shared out.
        """
        look = self.look(stage)
        if look.made is not None and look.made.run is not self._run:
            try:
                take_over(look.made, stage, self._run)
            except OSError:  # shutil.Error is one
                look = Look(look.fingerprint)
        return self._shared_out(stage, look.fingerprint) if look.made is None and stage.shards else look

    def _shared_out(self, stage: PlannedStage, fingerprint: str | None) -> Look:
        name = stage.shard_input or ""
        source = self._cwd / self._artifacts.inputs(stage)[name]
        try:
            self._run.stage(stage.folder).path.mkdir(exist_ok=True)
            count = share_out(source, [part_of(stage, number, self._run) for number in range(stage.shards)])
        except OSError as error:
            return Look(fingerprint, trouble=f"its input {name} cannot be shared out: {error}")
        shards = shards_of(stage, count, self._run)
        may_be_done = fingerprint is not None and stage.id not in self.choice.again
        done = (shard.number for shard in shards if may_be_done and self._is_done(shard, fingerprint))
        return Look(fingerprint, shards=shards, done=frozenset(done))

    def _is_done(self, shard: PlannedShard, fingerprint: str | None) -> bool:
        is_same = self._shards.get(shard.key) == fingerprint
        return is_same and self._artifacts.is_whole(shard, self._artifacts.of(shard))

    def clear(self, plan: Plan) -> None:
        """Takes away artifacts that are made anew or outdated: none that is old is ever taken for one that is new."""
        for stage in plan.stages:
            if stage.id in self.choice.outdated:
                self._artifacts.remove(stage)

    def _unchanged(self, stage: PlannedStage, fingerprint: str) -> Made | None:
        for source in (self._here, self._elsewhere):
            made = source.get(stage.id)
            if made is not None and made.fingerprint == fingerprint:
                artifact = made.run.stage(made.folder).path / stage.out
                if self._artifacts.is_whole(stage, artifact):
                    return made
        return None
