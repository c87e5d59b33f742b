"""How a process records: what `enable` was told, and what the environment says of the process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import msgspec

from taximeter import settings
from taximeter.errors import Problem, SetupError
from taximeter.recorder.context import Scope
from taximeter.recorder.guard import text
from taximeter.recorder.labels import split
from taximeter.redact import shown

if TYPE_CHECKING:
    from taximeter.budget import Budget
    from taximeter.recorder.roll import Roll
    from taximeter.recorder.sinks.redacting import Redact


class Options(msgspec.Struct, frozen=True):
    """The options of `Recorder.enable` that a later call may change."""

    rate_card_path: str | os.PathLike[str] | None = None
    record_tokens: bool = True
    span_cpu: bool = False
    """Whether the CPU time of every span is read, which costs two system calls; that of stages is."""

    sample: float = 1.0
    """Share of the traces whose spans are written; stages and calls always are."""

    roll: Roll | None = None
    summary: bool = False
    session_id: str | None = None
    tags: Mapping[str, str] | None = None
    content: bool = False
    """Whether captured calls keep what was asked and answered."""

    redact: Redact | None = None
    budget: Budget | None = None
    """What the calls of this process may spend."""

    def changed(self, **given: Any) -> Self:
        """With what is given anew; None leaves an option as it is.

        ValueError for a sample that is no share, SetupError for tags and hooks that are none.
        """
        options = msgspec.structs.replace(self, **{name: value for name, value in given.items() if value is not None})
        if not (isinstance(options.sample, int | float) and 0 <= options.sample <= 1):
            raise ValueError(f"sample must be a share from 0 to 1, not {options.sample!r}")
        if not isinstance(options.tags, Mapping | None):
            raise _unfit("tags", options.tags, "a mapping of labels, such as {'team': 'x'}")
        if options.redact is not None and not callable(options.redact):
            raise _unfit("redact", options.redact, "a function of an event, which gives what may be kept of it")
        return options

    def scope(self) -> Scope:
        """What holds for all that the process records."""
        attempt, shard = (_number(variable.read()) for variable in (settings.ATTEMPT, settings.SHARD))
        labels = split(settings.TAGS.read() or "")
        stage_id = settings.STAGE_ID.read()
        return Scope(
            stage=stage_id,
            stage_id=stage_id,
            attempt=attempt if stage_id else None,
            shard=shard,
            session_id=settings.SESSION_ID.read() if self.session_id is None else text(self.session_id),
            tags={**labels, **{text(name): text(value) for name, value in (self.tags or {}).items()}} or None,
        )


def _number(told: str | None) -> int | None:
    return int(told) if told and told.isdecimal() else None


def _unfit(key: str, given: object, wanted: str) -> SetupError:
    return SetupError(Problem(f"{key} must be {wanted}, not {shown(given)}", key=key))
