"""The list of runs: an append-only file of which the latest word on each run counts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from taximeter.events import Status
from taximeter.journal.reader import UNREADABLE, LineReader
from taximeter.numbers import to_json
from taximeter.pricing.cost import CostStatus
from taximeter.rundir import OutputDir, append_line


class GitState(msgspec.Struct, frozen=True):
    """The working copy that a run was started in."""

    sha: str
    dirty: bool


class ReportFiles(msgspec.Struct, frozen=True):
    """Where the reports of a run lie, from the folder of the manifest."""

    json: str
    md: str
    html: str | None = None
    """Written when the run ends."""


class RunTotals(msgspec.Struct, frozen=True):
    """The figures of a whole run. All of them are written: what nobody knows is null."""

    metered: bool = False
    mocked: bool = False
    """Stand-ins ran in the place of modules."""

    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = None
    cost_status: CostStatus | None = None
    currency: str = "USD"


class ManifestLine(msgspec.Struct, frozen=True, omit_defaults=True, tag="manifest_v1", tag_field="schema_version"):
    """What is said about a run when it starts, and again when it ends."""

    run_id: str
    recipe: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    status: Status | None = None
    totals: RunTotals | None = None
    tags: dict[str, str] | None = None
    git: GitState | None = None
    instrumentation: ReportFiles | None = None


_decoder = msgspec.json.Decoder(ManifestLine)


def append(output: OutputDir, line: ManifestLine) -> None:
    """Adds a line to the manifest."""
    append_line(output.manifest, to_json(msgspec.to_builtins(line, builtin_types=(Decimal,))))


def read(output: OutputDir) -> list[ManifestLine]:
    """One line a run, with the latest of each fact, in the order in which runs were last started, newest first.

    A line that says that a run was started is the first word on it: what was said before is over. Of one that goes on,
    which has no start of its own, only the end is.
    """
    manifest = Manifest(output)
    manifest.poll()
    return sorted(manifest.runs.values(), key=lambda run: run.started_at or "", reverse=True)


class Manifest:
    """The list of runs of one folder, kept while it grows: each line is read once."""

    def __init__(self, output: OutputDir) -> None:
        self.runs: dict[str, ManifestLine] = {}
        """The latest of each fact, by run id."""

        self._reader = LineReader(output.manifest)
        self._file = 0

    def poll(self) -> set[str]:
        """Takes what was added since the last time, and gives the ids of the runs of which something new was said.

        Those are all of them if the file was removed, or another one stands in its place.
        """
        told = set(self._start_anew()) if self._is_another() else set()
        for line in self._lines():
            known = self.runs.get(line.run_id)
            self.runs[line.run_id] = line if known is None else _after(known, line)
            told.add(line.run_id)
        return told

    def _is_another(self) -> bool:
        try:
            found = self._reader.path.stat()
        except OSError:
            return bool(self.runs)
        known, self._file = self._file, found.st_ino
        return self._reader.offset > 0 and (known != found.st_ino or found.st_size < self._reader.offset)

    def _start_anew(self) -> dict[str, ManifestLine]:
        known, self.runs = self.runs, {}
        self._reader = LineReader(self._reader.path)
        return known

    def _lines(self) -> Iterator[ManifestLine]:
        for line in self._reader.lines():
            try:
                yield _decoder.decode(line.data)
            except UNREADABLE:
                continue  # blank, or torn by a driver that died; its run still has its directory


def _after(known: ManifestLine, new: ManifestLine) -> ManifestLine:
    if new.status != "running":
        return _merged(known, new)
    if new.started_at is not None:
        return new
    return _merged(msgspec.structs.replace(known, ended_at=None, totals=None), new)


def _merged(known: ManifestLine, new: ManifestLine) -> ManifestLine:
    said = {name: value for name, value in msgspec.structs.asdict(new).items() if value is not None}
    return msgspec.structs.replace(known, **said)
