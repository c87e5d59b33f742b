"""The list of runs, as the dashboard shows it: kept while the manifest grows, and sent as differences."""

from __future__ import annotations

import os
import secrets
import time
from threading import Lock

import msgspec

from taximeter.errors import RunDirError
from taximeter.events import Status
from taximeter.ledger.manifest import GitState, Manifest, ManifestLine, RunTotals
from taximeter.numbers import exact
from taximeter.report.runs import run_totals
from taximeter.report.schemas import RunInstrumentation
from taximeter.rundir import OutputDir, RunDir, safe_name
from taximeter.web.feed import Feed
from taximeter.web.feeds import Feeds
from taximeter.web.foreign import read_state
from taximeter.web.moments import moment
from taximeter.web.parts import Parts

_LEAST = 0.3
"""Seconds between two looks."""

_FILLING = 0.25
"""Seconds a look may take to find figures that the manifest does not have; the rest at the next one."""

_FOLLOWED = 8
"""Runs that go on, the newest, whose figures are followed in the list."""


class Row(msgspec.Struct, omit_defaults=True):
    """One run in the list. What is not known is left out."""

    id: str
    recipe: str | None = None
    status: Status | None = None
    at: float | None = None
    """By what it is sorted: its last start, else the newest word on a stage of it; seconds since the epoch."""

    wall_seconds: float | None = None
    metered: bool | None = None
    mocked: bool = False
    calls: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: msgspec.Raw | None = None
    cost_status: str | None = None
    currency: str | None = None
    tags: dict[str, str] | None = None
    gone: bool = False
    """Its directory is not there any more."""


class Figures(msgspec.Struct, frozen=True):
    """What the directory of a run told that the manifest does not."""

    status: Status
    recipe: str | None = None
    at: float | None = None
    totals: RunTotals | None = None
    tags: dict[str, str] | None = None


class RunList:
    """All runs of one output folder. Threads may share it."""

    def __init__(self, output: OutputDir, feeds: Feeds) -> None:
        self.output = output
        self.epoch = secrets.token_hex(4)
        """Names this list: versions of another one (of a server that was started before) mean nothing here."""

        self._feeds = feeds
        self._manifest = Manifest(output)
        self._rows: dict[str, Row] = {}
        self._parts = Parts()
        self._folders: set[str] = set()
        self._folders_as_of: tuple[int, float] = (0, 0.0)
        self._id_of: dict[str, str] = {}
        """Run ids by the name of the folder, for runs that the manifest names."""

        self._figures: dict[str, Figures] = {}
        """What directories have told, of runs of which the manifest does not tell all."""

        self._wanting: set[str] = set()
        """Runs whose directory is still to be asked."""

        self._due = 0.0
        self._lock = Lock()

    @property
    def version(self) -> str:
        """Names the state of the list."""
        return f"{self.epoch}-{self._parts.version}"

    def look(self) -> None:
        """Reads what is new, unless somebody has just done so."""
        with self._lock:
            if time.monotonic() < self._due:
                return
            self._look()
            self._due = time.monotonic() + _LEAST

    def since(self, version: str) -> bytes | None:
        """What has changed since that version, as JSON; everything for one that is not of this list; None: nothing."""
        with self._lock:
            epoch, _, number = version.partition("-")
            known = int(number) if epoch == self.epoch and number.isdecimal() else 0
            if known and known == self._parts.version:
                return None
            rows = b",".join(text for _, text in self._parts.since(known))
            rest = {"version": self.version, "whole": not known, "removed": self._parts.gone_since(known)}
            return msgspec.json.encode(rest)[:-1] + b',"rows":[' + rows + b"]}"

    def newest(self) -> str | None:
        """Id of the newest run that can be looked at."""
        with self._lock:
            there = (row for row in self._rows.values() if not row.gone)
            newest = max(there, key=lambda row: (row.at is not None, row.at or 0.0), default=None)
            return None if newest is None else newest.id

    def has(self, run_id: str) -> bool:
        """Whether that run can be looked at."""
        with self._lock:
            row = self._rows.get(run_id)
            return row is not None and not row.gone

    def git(self, run_id: str) -> GitState | None:
        """The working copy that a run was started in."""
        with self._lock:
            line = self._manifest.runs.get(run_id)
            return None if line is None else line.git

    def _look(self) -> None:
        told = self._manifest.poll()
        for run_id in told:
            self._figures.pop(run_id, None)
            folder = safe_name(run_id)
            self._id_of[folder] = run_id
            if folder != run_id:
                self._drop(folder)
        changed = told | {self._id_of.get(folder, folder) for folder in self._look_for_folders()}
        running = [row.id for row in self._rows.values() if row.status == "running"]
        for run_id in changed | set(running):
            self._put(run_id)
        self._follow(running)
        self._find_figures()

    def _look_for_folders(self) -> set[str]:
        """Names of the folders that have come or gone."""
        try:
            changed = self.output.runs.stat().st_mtime_ns
        except OSError:
            changed = 0
        known, when = self._folders_as_of
        if known == changed and when > changed / 1e9 + 1:  # a clock that is too coarse to tell two changes apart
            return set()
        self._folders_as_of = changed, time.time()
        before = self._folders
        try:
            with os.scandir(self.output.runs) as entries:
                self._folders = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
        except OSError:
            self._folders = set()
        return before ^ self._folders

    def _put(self, run_id: str) -> None:
        """Makes the row of a run anew."""
        line, there = self._manifest.runs.get(run_id), safe_name(run_id) in self._folders
        if line is None and not there:
            self._drop(run_id)
            return
        line, figures = line or ManifestLine(run_id), self._figures.get(run_id)
        tells_all = line.started_at and line.ended_at and line.totals
        if there and not tells_all and (figures is None or figures.status == "running"):
            held = self._run(run_id).is_held()
            if figures is None or not held:
                self._wanting.add(run_id)
            figures = figures or Figures("running" if held else "lost")
        row = _row(line, figures, gone=not there)
        self._rows[run_id] = row
        self._parts.put({run_id: msgspec.json.encode(row)})

    def _drop(self, run_id: str) -> None:
        self._rows.pop(run_id, None)
        self._figures.pop(run_id, None)
        self._wanting.discard(run_id)
        self._parts.drop(run_id)

    def _follow(self, running: list[str]) -> None:
        """Looks again at the newest runs that go on."""
        for run_id in sorted(running, key=self._age)[:_FOLLOWED]:
            if run_id in self._rows and run_id not in self._wanting:
                self._ask(run_id)

    def _find_figures(self) -> None:
        """Asks directories, the newest first, as long as nobody has to wait for it."""
        end = time.monotonic() + _FILLING
        for run_id in sorted(self._wanting, key=self._age):
            self._ask(run_id)
            if time.monotonic() > end:
                break

    def _ask(self, run_id: str) -> None:
        self._wanting.discard(run_id)
        run = self._run(run_id)
        feed = self._feeds.of(run_id) if run.is_held() else Feed(run)
        try:
            self._figures[run_id] = _figures(feed.look(), run)
        except RunDirError:  # the directory is empty, or broken: nobody knows more
            self._figures[run_id] = Figures("lost")
        self._put(run_id)

    def _run(self, run_id: str) -> RunDir:
        return self.output.run(safe_name(run_id))

    def _age(self, run_id: str) -> float:
        return -(self._rows[run_id].at or 0.0) if run_id in self._rows else 0.0


def _figures(report: RunInstrumentation, run: RunDir) -> Figures:
    at = moment(report.started_at)
    if at is None and (state := read_state(run)) is not None:
        at = state.updated_at
    return Figures(report.status, report.recipe_name, at, run_totals(report), report.tags or None)


def _row(line: ManifestLine, figures: Figures | None, *, gone: bool) -> Row:
    at = moment(line.started_at)
    row = Row(line.run_id, line.recipe, line.status, at, tags=line.tags, gone=gone)
    totals = line.totals
    if figures is not None:
        row.recipe = line.recipe or figures.recipe
        row.at = figures.at if at is None else at
        row.tags = line.tags or figures.tags
        totals = figures.totals if not line.ended_at or totals is None else totals
        if not line.ended_at or line.status is None:
            row.status = figures.status
    if totals is not None:
        row.wall_seconds, row.metered, row.mocked = totals.wall_seconds, totals.metered, totals.mocked
        if totals.metered:
            row.calls, row.prompt_tokens, row.completion_tokens = (
                totals.calls,
                totals.prompt_tokens,
                totals.completion_tokens,
            )
            row.cost = None if totals.cost is None else msgspec.Raw(exact(totals.cost).encode())
            row.cost_status, row.currency = totals.cost_status, totals.currency
    return row
