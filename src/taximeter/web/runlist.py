"""The list of runs, as the dashboard shows it: kept while the manifest grows, and sent as differences."""

from __future__ import annotations

import os
import secrets
import time
from threading import Lock, Thread

import msgspec

from taximeter.errors import RunDirError
from taximeter.ledger.manifest import GitState, Manifest, ManifestLine
from taximeter.rundir import OutputDir, RunDir, safe_name
from taximeter.web.feed import Feed
from taximeter.web.feeds import Feeds
from taximeter.web.parts import Parts
from taximeter.web.rows import Figures, Row, figures_of, make_row

_LEAST = 0.3
"""Seconds between two looks."""

_FOLLOWED = 8
"""Runs that go on, the newest, whose figures are followed in the list."""


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

        self._is_filling = False
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
        self._wanting |= set(sorted(running, key=self._age)[:_FOLLOWED]) & self._rows.keys()
        self._begin_filling()

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
            held = _is_held(self._run(run_id))
            if figures is None or not held:
                self._wanting.add(run_id)
            figures = figures or Figures("running" if held else "lost")
        row = make_row(line, figures, gone=not there)
        self._rows[run_id] = row
        self._parts.put({run_id: msgspec.json.encode(row)})

    def _drop(self, run_id: str) -> None:
        self._rows.pop(run_id, None)
        self._figures.pop(run_id, None)
        self._wanting.discard(run_id)
        self._parts.drop(run_id)

    def _begin_filling(self) -> None:
        """Asks directories beside those who look at the list: to read a large run takes seconds."""
        if self._wanting and not self._is_filling:
            self._is_filling = True
            Thread(target=self._fill, daemon=True).start()

    def _fill(self) -> None:
        while (run_id := self._next()) is not None:
            line, run = self._manifest.runs.get(run_id), self._run(run_id)
            is_looked_at = _is_held(run) or run_id == self.newest() or self._feeds.has(run_id)
            feed = self._feeds.of(run_id) if is_looked_at else Feed(run)
            try:
                figures = figures_of(feed.look(), run)
            except RunDirError:  # the directory is empty, or broken: nobody knows more
                figures = Figures("lost")
            with self._lock:
                if self._manifest.runs.get(run_id) is line:  # else more was said of it meanwhile
                    self._figures[run_id] = figures
                self._put(run_id)

    def _next(self) -> str | None:
        """The newest run whose directory is still to be asked."""
        with self._lock:
            if not self._wanting:
                self._is_filling = False
                return None
            run_id = min(self._wanting, key=self._age)
            self._wanting.remove(run_id)
            return run_id

    def _run(self, run_id: str) -> RunDir:
        return self.output.run(safe_name(run_id))

    def _age(self, run_id: str) -> float:
        return -(self._rows[run_id].at or 0.0) if run_id in self._rows else 0.0


def _is_held(run: RunDir) -> bool:
    """Whether a driver lives; none does whose lock nobody can open."""
    try:
        return run.is_held()
    except OSError:
        return False
