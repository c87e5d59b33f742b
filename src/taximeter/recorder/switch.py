"""Whether this process records, and where: how it is turned on and off."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from taximeter import settings
from taximeter.recorder import guard
from taximeter.recorder.context import set_process_scope
from taximeter.recorder.life import Life
from taximeter.recorder.options import Options
from taximeter.recorder.process import remote_parent
from taximeter.recorder.sinks.sink import Sink

if TYPE_CHECKING:
    from taximeter.budget import Budget
    from taximeter.pricing.sheet import Sheet
    from taximeter.recorder.attribution import TokenService
    from taximeter.recorder.home import Home, Target
    from taximeter.recorder.part import Part
    from taximeter.recorder.purse import Purse
    from taximeter.recorder.sinks.redacting import Redact

_CAPTURES = settings.TRUE | {"auto"}


class Switch(Life):
    """The part of the recorder that says whether events are taken, and where they go."""

    def __init__(self) -> None:
        super().__init__()
        self._settled = False
        """Whether it is known if it records: the environment has been asked, or the program has said it."""

        self._settling = False
        """Whether somebody is about to find out."""

        self._spares_prices = False
        """Whether the built-in prices are left alone until they are asked for: a program that only the environment
        measures is spared their quarter of a second, and its calls are priced by those who read them."""

    def __repr__(self) -> str:
        where = "" if self.run_dir is None else f", in {self.run_dir}"
        return f"<taximeter recorder: on, run {self.run_id}{where}>" if self.enabled else "<taximeter recorder: off>"

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
                if not self._settled and not self._settling:  # or it is we who came here again, on the way
                    self._settling = True
                    if settings.ENABLED.is_on():
                        guard.guarded(self._enable_by_environment)()
                    self._settled = True  # only now: other threads wait until it records
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
        content: bool | None = None,
        redact: Redact | None = None,
        budget: Budget | str | float | None = None,
    ) -> Self:
        """Turns the recorder on, or changes those of its options that are given if it is on; gives the recorder.

        Events go to `sink` (an object, a URL such as `jsonl:PATH`, or several of them), else where the environment
        says, else to a run directory of their own, `output/runs/<run_id>/`. `rate_card_path` names the price sheet,
        `sample` is the share of traces whose spans are kept (1), `record_tokens` puts tokens and cost on spans
        (True), `span_cpu` reads the CPU time of spans too (False), `roll` ("1d", "1GiB") begins a new run directory
        from time to time, `summary` prints a short table when the process ends (False). `session_id` and `tags` label
        all that is recorded. `content` keeps what captured calls ask and are answered in their `meta`, as `request` and
        `response` (False). `redact` sees every event before any sink does, and gives what may be kept of it. `budget`
        is what the calls of this process may spend: money, or `"cost=5.00,tokens=1000000,calls=500,wall=1800"`; once it
        is used up, captured calls raise BudgetExceeded before they are sent, and so does `admit()`. In a stage of a
        driver `run_id` says nothing. SetupError or RunDirError, naming the path, for what cannot be used; ValueError
        for a sample that is no share.
        """
        # So that no signal handler that records finds them half loaded, and none is loaded while the lock is held.
        from taximeter.recorder import calls, decorators, home  # noqa: F401

        given = {
            "rate_card_path": rate_card_path,
            "record_tokens": record_tokens,
            "span_cpu": span_cpu,
            "sample": sample,
            "roll": roll,
            "summary": summary,
            "session_id": session_id,
            "tags": tags,
            "content": content,
            "redact": redact,
            "budget": budget,
        }
        with self.lock:
            self._settling = True
            try:
                self._turn_on(sink, run_id, output_dir, given)
            finally:
                self._settled = True
        if (settings.CAPTURE.read() or "").strip().lower() in _CAPTURES:
            guard.guarded(_capture)()
        return self

    def _turn_on(
        self,
        sink: Target | None,
        run_id: str | None,
        output_dir: str | os.PathLike[str] | None,
        given: dict[str, Any],
    ) -> None:
        from taximeter.recorder.home import is_same, open_home, own_run
        from taximeter.recorder.roll import parse_roll

        if isinstance(sink, Iterable) and not isinstance(sink, str):
            sink = tuple(sink)
        if sink is None:
            run_id = own_run(run_id)
        part, rolling = self._part, parse_roll(given["roll"])
        more = {"roll": rolling, "budget": self._budget(given["budget"]), "content": self._content(given["content"])}
        options = self.options.changed(**given | more)
        named = self._named_prices(given["rate_card_path"], options)
        if part is not None and is_same(sink, part.home.named):
            sink = None  # it is there
        if part is None or sink is not None or run_id not in (None, self.run_id):
            staying = self.run_id if part is not None and sink is not None else None
            if part is not None and run_id is not None and sink is None and output_dir is None and part.home.named:
                home = part.home.of_run(run_id)
            else:
                home = open_home(sink, run_id or staying, output_dir, self.process.id)
            try:
                prices = self._prices_of(home, named)
                purse = self._purse(options.budget, prices)
            except BaseException:
                home.close(staying=part.home.sink if part is not None else None)
                raise
            rolling = options.roll
            self._set(options, prices, purse)
            self._move(home)
        else:
            home = part.home
            prices = self.prices if given["rate_card_path"] is None else home.sheet(named)
            self._set(options, prices, self._purse(options.budget, prices))
            self._redact(part)
        if rolling is not None:
            rolling.begin(home.run_id)

    def _content(self, given: bool | None) -> bool | None:
        return settings.CONTENT.is_on() if self._part is None and given is None else given

    def _budget(self, given: Budget | str | float | None) -> Budget | None:
        text = settings.BUDGET.read() if self._part is None and given is None else None
        if given is None and text is None:
            return None
        from taximeter.recorder.purse import budget_of

        return budget_of(given if given is not None else text or "")

    def _purse(self, budget: Budget | None, prices: Sheet | None) -> Purse | None:
        """A purse for the budget that is to hold; what was spent of another one is not forgotten."""
        purse = self.purse
        if budget is None or (purse is not None and purse.budget == budget):
            return purse
        from taximeter.recorder.purse import Purse
        from taximeter.recorder.ratecards import built_in_sheet

        return Purse(budget, prices or built_in_sheet(), purse.spent if purse else None)

    def _set(self, options: Options, prices: Sheet | None, purse: Purse | None) -> None:
        if self._part is None:
            self.process.parent = remote_parent()
        self.take(options)
        self.prices, self.purse = prices, purse
        set_process_scope(options.scope())

    def _redact(self, part: Part) -> None:
        if self.options.redact is not part.redact:
            part.redact = self.options.redact
            if part.has_begun:
                self._listen(part)

    def _named_prices(self, given: str | os.PathLike[str] | None, options: Options) -> Sheet | None:
        """The prices that the program names, now or before; read before anything is begun, for they may be wrong."""
        if options.rate_card_path is None:
            return None
        if given is None:
            return self.prices
        from taximeter.recorder.ratecards import load_rate_card

        return load_rate_card(options.rate_card_path)

    def _prices_of(self, home: Home, named: Sheet | None) -> Sheet | None:
        if named is None and settings.RATE_CARD.read() is None and home.run is None and self._spares_prices:
            return None
        return home.sheet(named)

    def in_child(self) -> None:
        """Makes this the recorder of a child that was just forked: see `Life.in_child`."""
        super().in_child()
        if self.meter is not None:
            self.meter.in_child()
        self._settling = False  # who was about to find out is not here

    def disable(self) -> None:
        """Ends the run of this process and turns the recorder off; what is open then is not written any more."""
        with self.lock:
            self._settled = True
            self._end("done", None)


def _capture() -> None:
    """Hooks the SDKs, which is the work of a layer above: through the package's table of names."""
    import taximeter

    taximeter.instrument()
