"""The flight recorder of a process: on or off, and what every span and call needs to know of it."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from taximeter import settings
from taximeter.events import Event, SpanEvent, Status
from taximeter.recorder import guard
from taximeter.recorder.context import Scope, set_process_scope
from taximeter.recorder.process import Process, RemoteParent, remote_parent
from taximeter.recorder.sinks.sink import Sink, child_of, losses_of

if TYPE_CHECKING:
    from decimal import Decimal

    from taximeter.pricing.sheet import Sheet
    from taximeter.recorder.attribution import ServiceMeter, TokenService
    from taximeter.recorder.home import Home, Target
    from taximeter.recorder.roll import Roll
    from taximeter.recorder.sinks.redacting import Redact

_BEAT_NS = 5_000_000_000
"""How often the span of the process is written anew, so that a kill loses no losses."""


class Recorder:
    """The recorder of this process; there is one, `get_recorder()` gives it. Off it costs a look at `deliver`."""

    def __init__(self) -> None:
        self.deliver: Callable[[Event], None] | None = None
        """Hands one event to the sink, and never raises; None while the recorder is off."""

        self.process = Process(RemoteParent())
        self.run_id: str = ""
        """The run that events belong to; empty before the first `enable`."""

        self.sample = 1.0
        """Share of the traces whose spans are written; stages and calls always are."""

        self.span_cpu = False
        """Whether the CPU time of every span is read, which costs two system calls; that of stages is."""

        self.prices: Sheet | None = None
        """By which the tokens of spans are priced; None before the first `enable`."""

        self.record_tokens = True
        self.meter: ServiceMeter | None = None
        self.beat_at = 0
        """When the span of the process is to be written anew, on the clock of `perf_counter_ns`."""

        self._lock = threading.RLock()
        self._settled = False
        self._home: Home | None = None
        self._rate_card: str | os.PathLike[str] | None = None
        self._redact: Redact | None = None
        self._roll: Roll | None = None
        self._parent_process: str | None = None
        self._run_span: SpanEvent | None = None
        self._began = 0
        self._summary = False

    # -- on and off ---------------------------------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        """Whether it records."""
        return self.deliver is not None

    @property
    def sink(self) -> Sink | None:
        """Where events go; None while the recorder is off."""
        return self._home.sink if self._home else None

    @property
    def run_dir(self) -> str | None:
        """Path of the run directory, if events go to one."""
        return str(self._home.run.path) if self._home and self._home.run else None

    @property
    def service(self) -> TokenService | None:
        """The attached service, whose counters are read."""
        return self.meter.service if self.meter else None

    def settled(self) -> bool:
        """Whether it records, once the environment has been asked."""
        if not self._settled:
            with self._lock:
                if not self._settled:
                    self._settled = True
                    if settings.ENABLED.is_on():
                        guard.guarded(self._enable_by_environment)()
        return self.deliver is not None

    def _enable_by_environment(self) -> None:
        self._compiles_prices = False
        self.enable()

    _compiles_prices = True
    """Whether the built-in prices are worth their quarter of a second: a program that the environment measures is
    spared it, and its calls are priced by those who read them."""

    def enable(
        self,
        *,
        sink: Target | None = None,
        run_id: str | None = None,
        rate_card_path: str | os.PathLike[str] | None = None,
        record_tokens: bool = True,
        span_cpu: bool = False,
        sample: float = 1.0,
        roll: str | None = None,
        summary: bool = False,
        session_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        redact: Redact | None = None,
    ) -> Recorder:
        """Turns the recorder on, or changes its options if it is on; gives the recorder.

        Events go to `sink` (an object, a URL such as `jsonl:PATH`, or several of them), else where the environment
        says, else to a run directory of their own, `output/runs/<run_id>/`. `rate_card_path` names the price sheet,
        `sample` is the share of traces whose spans are kept, `span_cpu` reads the CPU time of spans too, `roll` ("1d",
        "1GiB") begins a new run directory from time to time, `summary` prints a short table when the process ends.
        `redact` sees every event before any sink does, and gives what may be kept of it. SetupError or RunDirError,
        naming the path, for what cannot be used.
        """
        # The last two only so that no signal handler that records finds them half loaded.
        from taximeter.recorder import calls, decorators  # noqa: F401
        from taximeter.recorder.home import open_home
        from taximeter.recorder.roll import parse_roll

        if not 0 <= sample <= 1:
            raise ValueError(f"sample must be a share from 0 to 1, not {sample}")
        with self._lock:
            self._settled = True
            rolling = parse_roll(roll)
            moves = self._home is None or sink is not None or run_id not in (None, self.run_id)
            if moves:
                staying = self.run_id if self._home and sink is not None else None
                home = open_home(sink, run_id or staying, output_dir, self.process.id)
            else:
                assert self._home is not None
                home = self._home
            if moves or rate_card_path is not None:
                self.prices = self._prices_of(home, rate_card_path)
            self.record_tokens, self.span_cpu, self.sample = record_tokens, span_cpu, sample
            self._summary = summary
            self._roll = rolling.begin(home.run_id) if rolling else None
            self._rate_card = rate_card_path
            self._redact = redact or self._redact  # a later call must not take it away unnoticed
            set_process_scope(_process_scope(session_id, tags))
            if moves:
                self._move(home)
            elif redact is not None and not self._is_silent_child:
                self.deliver = guard.delivering(self._emit_of(home))
        return self

    def _emit_of(self, home: Home) -> Callable[[Event], None]:
        if self._redact is None:
            return home.sink.emit
        from taximeter.recorder.sinks.redacting import RedactingSink

        return RedactingSink(home.sink, self._redact).emit

    def _prices_of(self, home: Home, rate_card_path: str | os.PathLike[str] | None) -> Sheet | None:
        try:
            if rate_card_path is None and home.run is None and not self._compiles_prices:
                return None if settings.RATE_CARD.read() is None else home.sheet(None)
            return home.sheet(rate_card_path)
        except BaseException:
            if home is not self._home:
                home.sink.close()
                home.close()
            raise

    def _move(self, home: Home) -> None:
        """Begins to write there, and ends what was written before."""
        old, old_run = self._home, self._run_span
        if old is None:
            self.process.parent = remote_parent()
            self._began = perf_counter_ns()
            guard.forget()
            _at_exit()
        else:
            old.unexport()
        self._home, self.run_id = home, home.run_id
        home.export()
        self._run_span = self._new_run_span() if home.lock is not None else None
        self._open_process()
        if old is not None:
            self._end(old, old_run, "done", None)

    def disable(self) -> None:
        """Ends the run of this process and turns the recorder off; what is open then is not written any more."""
        with self._lock:
            self._settled = True
            self._close("done", None)

    def _close(self, status: Status, error: str | None) -> None:
        home, self._home = self._home, None
        if home is None:
            return
        self.deliver = None
        home.unexport()
        self._end(home, self._run_span, status, error)
        self._run_span = self._redact = None

    def _end(self, home: Home, run_span: SpanEvent | None, status: Status, error: str | None) -> None:
        deliver = guard.delivering(self._emit_of(home))
        if not self._is_silent_child:
            deliver(self._process_span(home, ended=True, status=status, error=error))
        if run_span is not None:
            deliver(_closed(run_span, self.process, status, error))
            from taximeter.recorder.manifest import tell_end

            guard.guarded(tell_end)(home, status, self.process.utc(perf_counter_ns()))
        guard.guarded(home.sink.close)()
        home.close()

    def at_exit(self) -> None:
        """Ends the run when the process ends in good order."""
        with self._lock:
            home = self._home
            if home is None:
                return
            began_here = home.lock is not None
            error = getattr(sys, "last_value", None) if not hasattr(sys, "ps1") else None
            self._close("failed" if error else "done", guard.told(error) if error else None)
        if self._summary and began_here and home.run is not None and self._parent_process is None:
            guard.guarded(_run_hooks)(str(home.run.path))

    # -- the process --------------------------------------------------------------------------------------------------

    def _open_process(self) -> None:
        assert self._home is not None
        self.deliver = deliver = guard.delivering(self._emit_of(self._home))
        self.beat_at = perf_counter_ns() + _BEAT_NS
        if self._run_span is not None:
            deliver(self._run_span)
            from taximeter.recorder.manifest import tell_begin

            guard.guarded(tell_begin)(self._home, self._run_span.started_at)
        deliver(self._process_span(self._home))
        self.deliver = guard.delivering(self._emit_of(self._home))  # a sink may have changed how it takes events
        _finish_with_multiprocessing()

    def _new_run_span(self) -> SpanEvent:
        from taximeter import __version__

        process, machine = self.process, os.uname()
        return SpanEvent(
            (process.id, next(process.seq)),
            self.run_id,
            process.new_trace_id(),
            process.new_span_id(),
            "run",
            self.run_id,
            process.utc(perf_counter_ns()),
            pid=process.pid,
            node=machine.nodename,
            meta={
                "python_version": sys.version.split()[0],
                "platform": f"{machine.sysname}-{machine.release}-{machine.machine}",
                "taximeter_version": __version__,
                "cpu_count": os.cpu_count(),
            },
        )

    def _process_span(
        self, home: Home, *, ended: bool = False, status: Status = "running", error: str | None = None
    ) -> SpanEvent:
        from taximeter.recorder.home import program

        process, run, now = self.process, self._run_span, perf_counter_ns()
        scope = _process_scope(None, None)
        lost = Counter(guard.losses) + Counter(losses_of(home.sink))
        return SpanEvent(
            (process.id, next(process.seq)),
            home.run_id,
            process.parent.trace_id or (run.trace_id if run else f"{process.id}{0:020x}"),
            process.span_id,
            "process",
            program(),
            process.utc(self._began),
            self._parent_process or process.parent.span_id or (run.span_id if run else None),
            stage_id=scope.stage_id,
            attempt=scope.attempt,
            shard=scope.shard,
            pid=process.pid,
            node=os.uname().nodename,
            ended_at=process.utc(now) if ended else None,
            wall_ms=(now - self._began) / 1e6,
            cpu_ms=(process_time_ns() - process.cpu_began) / 1e6,
            cpu_method="process",
            ok=status == "done" if ended else None,
            status=status,
            error=error,
            losses=dict(lost) or None,
            meta={"reasons": dict(guard.reasons)} if guard.reasons else None,
        )

    def beat(self, now: int) -> None:
        """Writes the span of the process anew, with what was lost so far; `now` is of `perf_counter_ns`."""
        self.beat_at = now + _BEAT_NS
        with self._lock:
            if self._home is None or self.deliver is None:
                return
            self.deliver(self._process_span(self._home))
            if self._roll is not None and self._roll.is_due(self._home.sink):
                guard.guarded(self._begin_next_run)()

    def _begin_next_run(self) -> None:
        from taximeter.recorder.home import open_home

        assert self._home is not None
        assert self._roll is not None
        output = self._home.run.output if self._home.run else None
        self._home.unexport()
        home = open_home(None, self._roll.next_run_id(), output, self.process.id)
        self.prices = home.sheet(self._rate_card)
        self._move(home)

    # -- forks --------------------------------------------------------------------------------------------------------

    _is_silent_child = False
    """A forked child that has not said anything yet: it has no file, and need not have one."""

    def in_child(self) -> None:
        """Makes this the recorder of a child that was just forked: new ids, a new file, no lock of the parent's."""
        parent = self.process
        self._lock = threading.RLock()
        self.process = Process(parent.parent)
        self._began = perf_counter_ns()
        guard.forget()
        home = self._home
        if home is None:
            return
        self._parent_process = parent.span_id
        self._run_span = None
        self._is_silent_child = True
        home.sink = child_of(home.sink)
        self.deliver = guard.delivering(self._first_in_child)

    def _first_in_child(self, event: Event) -> None:
        with self._lock:
            if self._is_silent_child:
                self._is_silent_child = False
                self._open_process()
        if self.deliver is not None:
            self.deliver(event)

    # -- events -------------------------------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Hands an event of your own to the sink; never raises: what goes wrong is counted."""
        if self.deliver is not None:
            self.deliver(event)

    def sheet(self) -> Sheet:
        """The prices by which calls are priced; the built-in ones if none were ever named."""
        if self.prices is None:
            from taximeter.recorder.ratecards import built_in_sheet

            self.prices = built_in_sheet()
        return self.prices

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits up to `timeout` seconds until every event is where it shall be; whether it is."""
        return self._home.sink.flush(timeout) if self._home else True

    def get_all_events(self) -> list[dict[str, Any]]:
        """The events in the memory sink, each with every field of its record; none of other sinks."""
        get_events = getattr(self.sink, "get_events", None)
        return [] if get_events is None else [_as_dict(event) for event in get_events()]

    def carrier(self) -> dict[str, str]:
        """Variables for the environment of a child process, so that what it records hangs under the open span.

        subprocess.run(command, env=os.environ | taximeter.get_recorder().carrier())
        """
        from taximeter.recorder.carrier import carrier

        return carrier(self.process) | (self._home.exported if self._home else {})

    # -- tokens -------------------------------------------------------------------------------------------------------

    def attach(self, service: TokenService | None) -> Recorder:
        """Reads this service's cumulative counters (see `TokenService`) whenever an outermost span closes."""
        from taximeter.recorder.attribution import ServiceMeter

        with self._lock:
            self.meter = None if service is None else ServiceMeter(service)
        return self

    def snapshot_tokens(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """A handle on what was used up to now, for `finalize_tokens`; `{}` while the recorder is off."""
        from taximeter.recorder.attribution import snapshot

        return snapshot(self.service) if self.deliver is not None else {}

    def finalize_tokens(
        self, after: Mapping[str, Any], before: Mapping[str, Any]
    ) -> tuple[dict[str, int], dict[str, Decimal], str]:
        """Tokens, money and source of what was used between two handles; both are given back.

        KeyError for a model without a price.
        """
        from taximeter.recorder.attribution import finalize

        return finalize(after, before, self.sheet)


def _process_scope(session_id: str | None, tags: Mapping[str, str] | None) -> Scope:
    """What the environment says of this process, and the options besides."""
    attempt, shard = (_number(variable.read()) for variable in (settings.ATTEMPT, settings.SHARD))
    labels = dict(pair.split("=", 1) for pair in (settings.TAGS.read() or "").split(",") if "=" in pair)
    stage_id = settings.STAGE_ID.read()
    return Scope(
        trace_id=remote_parent().trace_id,
        stage=stage_id,
        stage_id=stage_id,
        attempt=attempt if stage_id else None,
        shard=shard,
        session_id=session_id or settings.SESSION_ID.read(),
        tags={**labels, **(tags or {})} or None,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _closed(span: SpanEvent, process: Process, status: Status, error: str | None) -> SpanEvent:
    ended = process.utc(perf_counter_ns())
    return msgspec.structs.replace(
        span,
        event_id=(process.id, next(process.seq)),
        ended_at=ended,
        wall_ms=(ended - span.started_at) * 1000,
        ok=status == "done",
        status=status,
        error=error,
    )


def _as_dict(event: Event) -> dict[str, Any]:
    return {
        "schema_version": type(event).__struct_config__.tag,
        "seq": event.event_id[1],
        **msgspec.structs.asdict(event),
    }


def _run_hooks(run_dir: str) -> None:
    """Calls what other layers registered for the end of a run, such as the table that `summary=True` prints."""
    from importlib.metadata import entry_points

    for entry in entry_points(group="taximeter.on_close"):
        entry.load()(run_dir)


_registered: list[bool] = []


def _at_exit() -> None:
    if not _registered:
        _registered.append(True)
        atexit.register(RECORDER.at_exit)


def _finish_with_multiprocessing() -> None:
    """Its children end by `os._exit`, which runs no `atexit`."""
    for name in ("multiprocessing.util", "billiard.util"):
        util = sys.modules.get(name)
        if util is not None:
            util.Finalize(None, RECORDER.at_exit, exitpriority=0)


RECORDER = Recorder()
os.register_at_fork(after_in_child=RECORDER.in_child)


def get_recorder() -> Recorder:
    """The recorder of this process, turned on by itself if the environment says so (`TAXIMETER_ENABLED=1`)."""
    RECORDER.settled()
    return RECORDER


def enable(**options: Any) -> Recorder:
    """Turns the recorder of this process on: see `Recorder.enable`."""
    return RECORDER.enable(**options)


def disable() -> None:
    """Turns the recorder of this process off."""
    RECORDER.disable()


def attach(service: TokenService | None) -> Recorder:
    """Reads a service's cumulative counters: see `Recorder.attach`."""
    return get_recorder().attach(service)


def is_enabled() -> bool:
    """Whether the recorder of this process is on."""
    return RECORDER.settled()


def flush(timeout: float = 5.0) -> bool:
    """Waits up to `timeout` seconds until every event is where it shall be; whether it is."""
    return RECORDER.flush(timeout)


def clocks() -> tuple[float, float, float]:
    """Seconds since the epoch, on the monotonic clock, and of CPU time of this process, at one moment."""
    monotonic = perf_counter_ns()
    return RECORDER.process.utc(monotonic), monotonic / 1e9, process_time_ns() / 1e9
