"""Whether this process records, and where: how it is turned on and off, rolls to a new run, and forks."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Self

from taximeter import settings
from taximeter.events import Event, Status
from taximeter.recorder import guard
from taximeter.recorder.context import set_process_scope
from taximeter.recorder.options import Options
from taximeter.recorder.process import Process, RemoteParent, remote_parent
from taximeter.recorder.sinks.sink import Sink

if TYPE_CHECKING:
    from taximeter.budget import Budget
    from taximeter.pricing.sheet import Sheet
    from taximeter.recorder.attribution import ServiceMeter, TokenService
    from taximeter.recorder.home import Home, Target
    from taximeter.recorder.part import Part
    from taximeter.recorder.purse import Purse
    from taximeter.recorder.sinks.redacting import Redact

_BEAT = 5.0
"""Seconds until the span of the process is written anew, so that a kill loses no losses."""


_CAPTURES = settings.TRUE | {"auto"}


class Switch:
    """The half of the recorder that says whether events are taken, and where they go."""

    def __init__(self) -> None:
        self.deliver: Callable[[Event], None] | None = None
        """Hands one event to the sink, and never raises; None while the recorder is off."""

        self.process = Process(RemoteParent())
        self.run_id: str = ""
        """The run that events belong to; empty before the first `enable`."""

        self.options = Options()
        self.prices: Sheet | None = None
        """By which the tokens of spans are priced; None before they are needed."""

        self.meter: ServiceMeter | None = None
        self.purse: Purse | None = None
        """What may be spent and what is; None without a budget."""

        self.beat_at = 0.0
        """When the span of the process is to be written anew, on the clock of `perf_counter`."""

        self.lock = threading.RLock()
        """Held while it is turned on or off, rolls or beats, and while a stage begins or ends."""

        self._settled = False
        self._spares_prices = False
        """Whether the built-in prices are left alone until they are asked for: a program that only the environment
        measures is spared their quarter of a second, and its calls are priced by those who read them."""

        self._part: Part | None = None
        """What this process writes now; None while the recorder is off."""

    # -- on and off ---------------------------------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        """Whether it records."""
        return self.deliver is not None

    @property
    def sink(self) -> Sink | None:
        """Where events go; None while the recorder is off."""
        return self._part.home.sink if self._part else None

    @property
    def run_dir(self) -> str | None:
        """Path of the run directory, if events go to one."""
        return str(self._part.home.run.path) if self._part and self._part.home.run else None

    @property
    def service(self) -> TokenService | None:
        """The attached service, whose counters are read."""
        return self.meter.service if self.meter else None

    def sheet(self) -> Sheet:
        """The prices by which calls are priced; the built-in ones if none were ever named."""
        if self.prices is None:
            from taximeter.recorder.ratecards import built_in_sheet

            self.prices = built_in_sheet()
        return self.prices

    def settled(self) -> bool:
        """Whether it records, once the environment has been asked."""
        if not self._settled:
            with self.lock:
                if not self._settled:
                    self._settled = True
                    if settings.ENABLED.is_on():
                        guard.guarded(self._enable_by_environment)()
        return self.deliver is not None

    def _enable_by_environment(self) -> None:
        self._spares_prices = True
        self.enable()

    def enable(
        self,
        *,
        sink: Target | None = None,
        run_id: str | None = None,
        rate_card_path: str | os.PathLike[str] | None = None,
        record_tokens: bool | None = None,
        span_cpu: bool | None = None,
        sample: float | None = None,
        roll: str | None = None,
        summary: bool | None = None,
        session_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        redact: Redact | None = None,
        budget: Budget | str | float | None = None,
    ) -> Self:
        """Turns the recorder on, or changes those of its options that are given if it is on; gives the recorder.

        Events go to `sink` (an object, a URL such as `jsonl:PATH`, or several of them), else where the environment
        says, else to a run directory of their own, `output/runs/<run_id>/`. `rate_card_path` names the price sheet,
        `sample` is the share of traces whose spans are kept (1), `record_tokens` puts tokens and cost on spans (True),
        `span_cpu` reads the CPU time of spans too (False), `roll` ("1d", "1GiB") begins a new run directory from time
        to time, `summary` prints a short table when the process ends (False). `redact` sees every event before any
        sink does, and gives what may be kept of it. `budget` is what the calls of this process may spend: money, or
        `"cost=5.00,tokens=1000000,calls=500,wall=1800"`; once it is used up, captured calls raise BudgetExceeded before
        they are sent, and so does `admit()`. SetupError or RunDirError, naming the path, for what cannot be
        used; ValueError for a sample that is no share.
        """
        # The last two only so that no signal handler that records finds them half loaded.
        from taximeter.recorder import calls, decorators  # noqa: F401
        from taximeter.recorder.home import open_home
        from taximeter.recorder.roll import parse_roll

        with self.lock:
            self._settled = True
            part, rolling = self._part, parse_roll(roll)
            options = self.options.changed(
                rate_card_path=rate_card_path,
                record_tokens=record_tokens,
                span_cpu=span_cpu,
                sample=sample,
                roll=rolling,
                summary=summary,
                session_id=session_id,
                tags=tags,
                redact=redact,
                budget=self._budget(budget),
            )
            if part is None or sink is not None or run_id not in (None, self.run_id):
                staying = self.run_id if part is not None and sink is not None else None
                home = open_home(sink, run_id or staying, output_dir, self.process.id)
                self.prices = self._prices_of(home, options, opened=True)
                rolling = options.roll
                self._set(options)
                self._move(home)
            else:
                home = part.home
                if rate_card_path is not None:
                    self.prices = self._prices_of(home, options, opened=False)
                self._set(options)
                self._redact(part)
            if rolling is not None:
                rolling.begin(home.run_id)
            self._fill_purse()
        if (settings.CAPTURE.read() or "").strip().lower() in _CAPTURES:
            guard.guarded(_capture)()
        return self

    def _budget(self, given: Budget | str | float | None) -> Budget | None:
        text = settings.BUDGET.read() if self._part is None and given is None else None
        if given is None and text is None:
            return None
        from taximeter.recorder.purse import budget_of

        return budget_of(given if given is not None else text or "")

    def _fill_purse(self) -> None:
        """A purse for the budget that holds now; what was spent of another one is not forgotten."""
        budget, purse = self.options.budget, self.purse
        if budget is None or (purse is not None and purse.budget == budget):
            return
        from taximeter.recorder.purse import Purse

        self.purse = Purse(budget, self.sheet(), purse.spent if purse else None)

    def _set(self, options: Options) -> None:
        if self._part is None:
            self.process.parent = remote_parent()
        self.options = options
        set_process_scope(options.scope())

    def _redact(self, part: Part) -> None:
        if self.options.redact is not part.redact:
            part.redact = self.options.redact
            if part.has_begun:
                self.deliver = part.delivery()

    def _prices_of(self, home: Home, options: Options, *, opened: bool) -> Sheet | None:
        path = options.rate_card_path or settings.RATE_CARD.read()
        if path is None and home.run is None and self._spares_prices:
            return None
        try:
            return home.sheet(options.rate_card_path)
        except BaseException:
            if opened:
                home.sink.close()
                home.close()
            raise

    def _move(self, home: Home) -> None:
        """Begins to write there, and ends what was written before."""
        from taximeter.recorder.part import Part

        old = self._part
        if old is None:
            self.process.began = perf_counter()
            guard.forget()
            atexit.unregister(self.at_exit)
            atexit.register(self.at_exit)
        else:
            old.home.unexport()
        self._part = part = Part(home, self.process, self.options.redact)
        self.run_id = home.run_id
        part.export()
        self._begin(part)
        if old is not None:
            if old.home.run_id != home.run_id:
                for stage in tuple(self.process.stages):
                    guard.guarded(stage.go_on)(old.delivery(), old.home.run_id)
            old.end("done", None)

    def _begin(self, part: Part) -> None:
        self.beat_at = perf_counter() + _BEAT
        part.begin()
        self.deliver = part.delivery()
        _finish_with_multiprocessing(self.at_exit)

    def disable(self) -> None:
        """Ends the run of this process and turns the recorder off; what is open then is not written any more."""
        with self.lock:
            self._settled = True
            self._end("done", None)

    def _end(self, status: Status, error: str | None) -> None:
        part, self._part = self._part, None
        if part is not None:
            self.deliver, self.options, self.purse = None, Options(), None
            part.home.unexport()
            part.end(status, error)

    def at_exit(self) -> None:
        """Ends the run when the process ends in good order."""
        with self.lock:
            part, options = self._part, self.options
            if part is None:
                return
            began_here = part.home.lock is not None
            error = getattr(sys, "last_value", None) if not hasattr(sys, "ps1") else None
            self._end("failed" if error else "done", guard.told(error) if error else None)
        if options.summary and began_here and part.home.run is not None:
            guard.guarded(_run_hooks)(str(part.home.run.path))

    @guard.guarded
    def beat(self, now: float) -> None:
        """Writes the span of the process anew, with what was lost so far; `now` is of `perf_counter`."""
        self.beat_at = now + _BEAT
        with self.lock:
            part, roll = self._part, self.options.roll
            if part is None or self.deliver is None:
                return
            part.beat()
            if roll is not None and roll.is_due(part.home.sink):
                guard.guarded(self._roll)(part, roll.next_run_id())

    def _roll(self, part: Part, run_id: str) -> None:
        from taximeter.recorder.home import open_home

        part.home.unexport()
        home = open_home(None, run_id, part.home.run.output if part.home.run else None, self.process.id)
        self.prices = home.sheet(self.options.rate_card_path)
        self._move(home)

    # -- forks --------------------------------------------------------------------------------------------------------

    def in_child(self) -> None:
        """Makes this the recorder of a child that was just forked: new ids, a new file, no lock of the parent's."""
        parent, part = self.process, self._part
        self.lock = threading.RLock()
        self.process = Process(parent.parent, parent.span_id if part is not None else parent.forked_from)
        guard.forget()
        if part is not None:
            self._part = part.in_child(self.process)
            self.deliver = guard.delivering(self._first_in_child)

    def _first_in_child(self, event: Event) -> None:
        with self.lock:
            part = self._part
            if part is None:
                return
            if not part.has_begun:
                self._begin(part)
        part.delivery()(event)


def _run_hooks(run_dir: str) -> None:
    """Calls what other layers registered for the end of a run, such as the table that `summary=True` prints."""
    from importlib.metadata import entry_points

    for entry in entry_points(group="taximeter.on_close"):
        entry.load()(run_dir)


def _capture() -> None:
    """Hooks the SDKs, which is the work of a layer above: through the package's table of names."""
    import taximeter

    taximeter.instrument()


def _finish_with_multiprocessing(at_exit: Callable[[], None]) -> None:
    """Its children end by `os._exit`, which runs no `atexit`."""
    for name in ("multiprocessing.util", "billiard.util"):
        util = sys.modules.get(name)
        if util is not None:
            util.Finalize(None, at_exit, exitpriority=0)
