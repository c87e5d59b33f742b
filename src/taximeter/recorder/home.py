"""Where the events of this process go, and whose run they belong to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from taximeter import settings
from taximeter.errors import Problem, RunDirError, SetupError
from taximeter.pricing.sheet import Sheet, read_sheet
from taximeter.recorder.ratecards import built_in_sheet, load_rate_card
from taximeter.recorder.sinks.open import open_sinks
from taximeter.recorder.sinks.sink import Sink, is_within, leaves
from taximeter.rundir import OutputDir, RunDir, RunLock, check_run_id, new_run_id, replace, safe_name

if TYPE_CHECKING:
    Target = Sink | str | Iterable[Sink | str]


class Home:
    """An open sink, the run, and the run directory if there is one; `lock` is held if this process began the run."""

    def __init__(self, run_id: str, sink: Sink, run: RunDir | None = None, lock: RunLock | None = None) -> None:
        self.run_id = run_id
        self.sink = sink
        self.named: Target | None = None
        """What the program has named as the sink, if it has."""

        self.run = run
        self.lock = lock
        self.exported: dict[str, str] = {}

    def sheet(self, named: Sheet | None) -> Sheet:
        """The prices: those that the program names, else those of the run, of the environment, the built-in ones.

        SetupError, naming the path, if they cannot be read, or written into a run that begins.
        """
        if named is None and self.run is not None and self.lock is None and self.run.pricing.exists():
            return read_sheet(self.run.pricing)
        path = settings.RATE_CARD.read()
        sheet = named or (load_rate_card(path) if path else built_in_sheet())
        if self.run is not None and self.lock is not None:
            try:
                replace(self.run.pricing, sheet.encoded)
            except OSError as error:
                raise _not_writable(self.run.path, error) from None
        return sheet

    @property
    def can_roll(self) -> bool:
        """Whether another run may follow: this one lies among others, and is not that of a driver."""
        return self.run is not None and self.run.is_listed and settings.STAGE_ID.read() is None

    def of_run(self, run_id: str) -> Home:
        """The same sink, for another run; SetupError for an id that cannot name one."""
        home = Home(check_run_id(run_id), self.sink)
        home.named = self.named
        return home

    def next(self, run_id: str, process_id: str) -> Home:
        """The home of the run that follows, beside this one."""
        assert self.run is not None
        return _own(OutputDir(self.run.output).run(safe_name(run_id)), run_id, process_id)

    def export(self, traceparent: str | None) -> None:
        """Lets child processes join the run, and hang under a span of this process if one is named (W3C)."""
        self.exported = {settings.RUN_ID.name: self.run_id}
        if traceparent is not None:
            self.exported[settings.TRACEPARENT.name] = traceparent
        if self.run is not None:
            self.exported |= {settings.ENABLED.name: "1", settings.RUN_DIR.name: str(self.run.path)}
        os.environ.update(self.exported)

    def unexport(self) -> None:
        """Takes that back, unless somebody else has set it since."""
        for name, value in self.exported.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        self.exported = {}

    def close(self, staying: Sink | None = None) -> None:
        """Lets the run go, and closes its sinks but for those that are in use elsewhere."""
        from taximeter.recorder.sinks.several import SeveralSinks

        SeveralSinks(tuple(sink for sink in leaves(self.sink) if not is_within(sink, staying))).close()
        if self.lock is not None:
            self.lock.close()
            self.lock = None


def open_home(
    target: Target | None, run_id: str | None, output_dir: str | os.PathLike[str] | None, process_id: str
) -> Home:
    """What a person names, else what the environment says, else a run directory of its own.

    SetupError or RunDirError, naming the path, if it cannot be written.
    """
    if run_id is not None:
        check_run_id(run_id)
    told = settings.RUN_ID.read()
    known = run_id or told or new_run_id(program(), datetime.now(UTC))
    if target is None:
        target = settings.HTTP_URL.read()
    if target is not None:
        home = Home(known, open_sinks(target))
        home.named = target
        return home
    out, joined = settings.OUT.read(), settings.RUN_DIR.read()
    if out is not None and not out.endswith(os.sep):
        return Home(known, open_sinks(f"jsonl:{out}"))
    if joined is not None and out is None and run_id in (None, told):
        run = RunDir(Path(joined))
        return Home(told or run.run_id, _journal(run, process_id), run)
    if out is not None:
        run = RunDir(Path(out).absolute())
        return _own(run, run_id or told or run.run_id, process_id)
    folder = Path(output_dir or settings.OUTPUT_DIR.read() or "output").absolute()
    return _own(OutputDir(folder).run(safe_name(known)), known, process_id)


def own_run(run_id: str | None) -> str | None:
    """The run that a program names for itself: none in a stage of a driver, whose run it is.

    SetupError for an id that cannot name one.
    """
    if run_id is not None:
        check_run_id(run_id)
    is_stage = settings.STAGE_ID.read() is not None and settings.RUN_DIR.read() is not None
    return None if is_stage else run_id


def is_same(one: Target | None, other: Target | None) -> bool:
    """Whether two targets name the same: one URL, one object, or several of these."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return one is other or (isinstance(one, str) and one == other)


def join(run: RunDir, process_id: str) -> Home:
    """A run that somebody else has begun; SetupError, naming the path, if no event can be written there."""
    return Home(run.run_id, _journal(run, process_id), run)


def _own(run: RunDir, run_id: str, process_id: str) -> Home:
    """Begins the run, or joins it if another process of this program has begun it."""
    if not run.path.is_dir():
        try:
            run.create()
        except RunDirError:
            if not run.path.is_dir():  # or another process was faster
                raise
    try:
        lock = run.lock()
    except RunDirError:
        return Home(run_id, _journal(run, process_id), run)
    except OSError as error:
        raise _not_writable(run.path, error) from None
    try:
        run.snapshots.mkdir(exist_ok=True)
        return Home(run_id, _journal(run, process_id), run, lock)
    except OSError as error:
        lock.close()
        raise _not_writable(run.path, error) from None
    except SetupError:
        lock.close()
        raise


def _journal(run: RunDir, process_id: str) -> Sink:
    return open_sinks(f"jsonl:{run.events / f'{safe_name(program())}-{process_id}.jsonl'}")


def _not_writable(path: Path, error: OSError) -> SetupError:
    hint = f"name another place with output_dir= or {settings.OUTPUT_DIR.name}"
    return SetupError(Problem(f"cannot write a run there: {error.strerror}", hint, str(path)))


def program() -> str:
    """A name for this program: its script, its module, or python."""
    script = Path(sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-", "-c", "-m") else "python")
    return script.parent.name if script.stem == "__main__" else script.stem
