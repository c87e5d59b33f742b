"""What a stage is made from, as one number: while it is the same, the stage need not be run again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from taximeter.recipe.command import placeholders
from taximeter.recipe.module import Module
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.run.artifacts import Artifacts
from taximeter.run.digest import Digests
from taximeter.run.original import original_digest
from taximeter.run.sources import sources

_VERSION = "fingerprint_v1"
_LITTLE = 100_000
"""Bytes that are read in less time than it takes to ask another thread to."""


class Fingerprints:
    """Fingerprints of the stages of one run, each asked for once all that the stage needs is there."""

    def __init__(self, plan: Plan, artifacts: Artifacts, modules: Mapping[str, Module], python: str) -> None:
        self._plan = plan
        self._artifacts = artifacts
        self._modules = modules
        self._python = python
        self._cwd = Path.cwd()
        self._digests = Digests()
        self._of: dict[str, str | None] = {}
        self._sources: dict[str, list[Path]] = {}
        """Of the stage that was looked at last, which is asked for next."""

    def of(self, stage: PlannedStage) -> str | None:
        """sha256 of command, parameters, environment, content of inputs, and source.

        The command counts as it is before paths of the run and of inputs are filled in. Of a stage that is only waited
        for (`needs`) nobody knows what it hands on: its own fingerprint counts, and its artifact if it has one. None if
        something cannot be read: such a stage is never reused.
        """
        try:
            made_from = self._made_from(stage)
        except OSError:
            self._of[stage.id] = None
        else:
            self._of[stage.id] = hashlib.sha256(msgspec.json.encode(made_from, order="sorted")).hexdigest()
        return self._of[stage.id]

    def is_quick(self, stage: PlannedStage) -> bool:
        """Whether it can be known in no time: the stage reads nothing, and its programs are small files."""
        if stage.inputs or stage.module_id or any(kind == "input" for kind, _ in placeholders(stage.command)):
            return False
        if any(self._artifacts.at(need).exists() for need in stage.needs):
            return False
        found = self._sources[stage.id] = list(sources(stage, None, self._cwd))
        try:
            return not any(path.is_dir() or path.stat().st_size > _LITTLE for path in found)
        except OSError:
            return False

    def keep(self, stage: PlannedStage, fingerprint: str | None) -> None:
        """The stage has this fingerprint, whatever it would have now."""
        self._of[stage.id] = fingerprint

    def _made_from(self, stage: PlannedStage) -> dict[str, object]:
        reads = {source.stage for source in stage.inputs.values()}
        named = {name for kind, name in placeholders(stage.command) if kind == "input"}
        return {
            "version": _VERSION,
            "command": stage.command,
            "python": self._python if "{python}" in stage.command else None,
            "mocked": stage.mocked,
            "params": stage.params,
            "env": stage.env,
            "out": stage.out,
            **({"shards": stage.shards, "shard_input": stage.shard_input} if stage.shards else {}),
            "inputs": {name: self._input(path) for name, path in self._artifacts.inputs(stage).items()},
            "input": {name: self._content(self._plan.input[name]) for name in named},
            "needs": {need: self._handed_on(need) for need in stage.needs if need not in reads},
            "source": self._source(stage),
        }

    def _content(self, path: str | Path) -> str:
        return self._digests.content(self._cwd / path)

    def _input(self, path: str | Path) -> str:
        """What an input holds, but for the stamps of ours that are new in each run."""
        return original_digest(self._cwd / path) or self._content(path)

    def _handed_on(self, need: str) -> tuple[str | None, str | None]:
        artifact = self._artifacts.at(need)
        return self._of.get(need), self._input(artifact) if artifact.exists() else None

    def _source(self, stage: PlannedStage) -> list[str]:
        module = self._modules.get(stage.module_id) if stage.module_id else None
        found = self._sources.pop(stage.id, None)
        return [
            self._digests.source(path) if path.is_dir() else self._digests.content(path)
            for path in dict.fromkeys(sources(stage, module, self._cwd) if found is None else found)
        ]
