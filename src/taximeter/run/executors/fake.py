"""An executor for tests: runs nothing, and tells of every task what a script says becomes of it."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterator

import msgspec

from taximeter.clock import FakeClock
from taximeter.ledger.figures import Figures
from taximeter.run.executor import Broken, Caps, Done, Event, Key, Lost, Started, Task


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one task."""

    seconds: float = 1.0
    """How long it takes; infinite: until it is cancelled."""

    exit_code: int = 0
    lost: str | None = None
    """It ends as lost, for this reason."""

    breaks: str | None = None
    """The executor breaks at its end, for this reason."""

    is_deaf: bool = False
    """It ignores TERM."""

    times: int = 1
    """How often each of its events is delivered."""


class _Playing(msgspec.Struct):
    task: Task
    act: Act
    began: float
    ends: float
    signal: signal.Signals | None = None
    is_told: bool = False


class Fake:
    """Plays the acts that the script has for tasks. What a task writes, the script may write when it is asked.

    It always has something to give: each poll moves the clock to what happens next, by `tick` seconds at most, so that
    what is due to others comes in its time, and nobody ever waits.
    """

    def __init__(
        self, clock: FakeClock, script: Callable[[Task], Act], *, caps: Caps | None = None, tick: float = 0.25
    ) -> None:
        self.caps = caps or Caps(cpus=1.0, memory=math.inf, gpus=math.inf, is_here=True)
        self.submitted: list[Task] = []
        self.cancelled: list[tuple[Key, float]] = []
        self.is_closed = False
        self._clock = clock
        self._script = script
        self._tick = tick
        self._playing: dict[Key, _Playing] = {}
        self._reader, writer = os.pipe()
        os.write(writer, b".")
        os.close(writer)

    def submit(self, task: Task) -> None:
        """Looks up in the script what becomes of it."""
        self.submitted.append(task)
        act, now = self._script(task), self._clock.monotonic()
        self._playing[task.key] = _Playing(task, act, now, now + act.seconds)

    def poll(self, timeout: float) -> list[Event]:
        """What the script has happen next, if it is near."""
        now = self._clock.monotonic()
        due = min((play.ends if play.is_told else now for play in self._playing.values()), default=math.inf)
        self._clock.advance(min(max(due - now, 0.0), self._tick))
        return [
            event for play in list(self._playing.values()) for event in self._play(play) for _ in range(play.act.times)
        ]

    def cancel(self, key: Key, grace: float) -> None:
        """Ends its act now, or after the grace if it is deaf."""
        self.cancelled.append((key, grace))
        if (play := self._playing.get(key)) is None:
            return
        is_killed = play.act.is_deaf or not grace
        end = self._clock.monotonic() + (grace if is_killed else 0.0)
        if end < play.ends:
            play.ends, play.signal = end, signal.SIGKILL if is_killed else signal.SIGTERM

    def fileno(self) -> int:
        """Always readable."""
        return self._reader

    def close(self) -> None:
        """Nothing runs."""
        self.is_closed = True
        os.close(self._reader)

    def _play(self, play: _Playing) -> Iterator[Event]:
        key, act = play.task.key, play.act
        if not play.is_told:
            play.is_told = True
            yield Started(key)
        if self._clock.monotonic() < play.ends:
            return
        del self._playing[key]
        if act.breaks is not None:
            self._playing.clear()
            yield Broken(act.breaks)
        elif act.lost is not None:
            yield Lost(key, act.lost)
        else:
            yield Done(key, self._figures(play))

    def _figures(self, play: _Playing) -> Figures:
        took = play.ends - play.began
        ended = self._clock.now()
        return Figures(
            state="done",
            started_at=ended - took,
            ended_at=ended,
            wall_seconds=took,
            exit_code=play.act.exit_code if play.signal is None else None,
            signal=play.signal,
            deaf_processes=int(play.signal == signal.SIGKILL and play.act.is_deaf),
        )
