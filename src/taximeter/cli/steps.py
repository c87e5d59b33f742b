"""How a rehearsal is told: a script for the shell in which each stage is a comment and its command, or JSON."""

from __future__ import annotations

import shlex

import msgspec

from taximeter.numbers import plural
from taximeter.redact import silent, visible, without_secrets
from taximeter.run.rehearsal import Rehearsal, Step

_WORDS = {"run": "run", "reuse": "reused", "skip": "skipped"}


def steps_text(rehearsal: Rehearsal) -> str:
    """A line for each stage, followed by its command as a shell would take it if it would be run."""
    count = sum(step.action == "run" for step in rehearsal.steps)
    lines = [f"# {rehearsal.run.run_id}: {plural(count, 'stage')} of {len(rehearsal.steps)} would be run"]
    for step in rehearsal.steps:
        lines += _lines(step)
    return "\n".join(visible(without_secrets(line)) for line in lines)


def steps_json(rehearsal: Rehearsal) -> bytes:
    """The same as JSON."""
    return msgspec.json.encode(
        {
            "schema_version": "rehearsal_v1",
            "run_id": rehearsal.run.run_id,
            "run_dir": str(rehearsal.run.path),
            "stages": silent(msgspec.to_builtins(rehearsal.steps)),
        }
    )


def _lines(step: Step) -> list[str]:
    note = f" ({step.note})" if step.note else ""
    shards = f", as {plural(step.shards, 'shard')} at most, the first of them" if step.shards else ""
    head = f"# {step.index} {step.id}: {_WORDS[step.action]}{note}{shards if step.action == 'run' else ''}"
    return [head, *shlex.join(step.command).split("\n")] if step.action == "run" else [head]
