"""Events to a collector: kept on disk first, sent by a thread of its own, deleted when they are taken."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic, sleep

from taximeter import settings
from taximeter.errors import Problem, SetupError
from taximeter.events import Event
from taximeter.recorder.guard import guarded
from taximeter.recorder.sinks.delivery import Delivery
from taximeter.recorder.sinks.destination import destination
from taximeter.recorder.sinks.later import LaterSink
from taximeter.recorder.sinks.post import Poster
from taximeter.recorder.sinks.spool import Backlog, Spool, left_over

BATCH_EVENTS = 1_000
BATCH_BYTES = 512 << 10
"""What one POST holds at most, before compression."""

GATHER = 0.2
"""Seconds in which a batch may grow before it is sent."""

FAREWELL = 1.5
"""Seconds that a program waits at most for the last events to be sent; what is left is sent by a later process."""


class HttpSink:
    """Sends events to `url` (without a path: to `/v1/events`) as batches of JSON lines, compressed.

    `emit` writes to a file under `$XDG_STATE_HOME/taximeter/spool/`, as the journal does, so that neither a slow
    network nor `kill -9` loses an event; the file is deleted after a 2xx, and a later process sends what an earlier
    one left. At most 64 MiB wait for one destination. `token` is sent as a bearer token; without one it is
    `TAXIMETER_HTTP_TOKEN`. SetupError if the URL is none or the spool cannot be made.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url
        self._token = token
        goal = destination(url, settings.HTTP_TOKEN.read() if token is None else token)
        try:
            self._place = goal.place
            self._spool = Spool(self._place)
        except (OSError, RuntimeError) as error:
            raise _no_spool(error) from None
        self._poster = Poster(goal)
        self._delivery = Delivery(self._poster, goal.shown, self._pause)
        self._backlog = Backlog(self._spool.folder)
        self._wake: SimpleQueue[None] = SimpleQueue()  # the one queue whose put a signal handler may interrupt
        self._is_told = True
        self._is_quiet = False
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._run, name="taximeter-http", daemon=True)
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Keeps one event to be sent."""
        self._spool.append(event)
        if not self._is_told:
            self._is_told = True
            self._wake.put(None)

    def flush(self, timeout: float) -> bool:
        """Waits until everything is taken by the collector."""
        deadline = monotonic() + timeout
        self._wake.put(None)
        while self._is_told or not self._is_quiet:
            if monotonic() >= deadline or not self._thread.is_alive():
                return False
            sleep(0.005)
        return True

    def begin_close(self) -> None:
        """Takes no event any more, and gives the thread a moment for what is left."""
        if self._deadline is None:
            self._spool.seal()
            self._deadline = monotonic() + FAREWELL
            self._wake.put(None)

    def close(self) -> None:
        """Waits at most 1.5 s, from `begin_close` on, for the last events to be taken."""
        self.begin_close()
        self._thread.join(max(0.0, (self._deadline or 0.0) - monotonic()))
        self._spool.release()

    def losses(self) -> dict[str, int]:
        """Events that had no room (`dropped`) and that the collector does not take (`rejected`)."""
        counts = {"dropped": self._spool.dropped, "rejected": self._delivery.rejected}
        return {name: count for name, count in counts.items() if count}

    def in_child(self) -> LaterSink:
        """A spool, a connection and a thread of the child's own, when the child says something."""
        self._spool.abandon()
        self._poster.abandon()
        return LaterSink(partial(HttpSink, self._url, self._token))

    def _run(self) -> None:
        self._deliver_own()
        self._deliver_left_over()
        while self._deadline is None:
            if not self._is_told:
                self._wake.get()
            if self._deadline is None:
                with suppress(Empty):
                    self._wake.get(timeout=GATHER)
            self._deliver_own()
        self._deliver_own()  # what came between the last look and the end
        self._poster.close()

    @guarded
    def _deliver_own(self) -> None:
        self._is_quiet = False
        self._is_told = False  # before reading: who emits after that tells again
        self._is_quiet = self._drain()
        self._spool.measure()

    def _drain(self) -> bool:
        while lines := self._backlog.batch(BATCH_EVENTS, BATCH_BYTES):
            if not self._deliver(lines):
                return False
            self._backlog.done()
        return True

    @guarded
    def _deliver_left_over(self) -> None:
        for folder in left_over(self._place):
            backlog = Backlog(folder)
            while lines := backlog.batch(BATCH_EVENTS, BATCH_BYTES):
                if not self._deliver(lines):
                    return
                backlog.done()
                self._deliver_own()  # the living first

    def _deliver(self, lines: list[bytes]) -> bool:
        return not self._is_late() and self._delivery.deliver(lines)

    def _is_late(self) -> bool:
        return self._deadline is not None and monotonic() > self._deadline

    def _pause(self, seconds: float) -> bool:
        until = monotonic() + seconds
        while self._deadline is None and (left := until - monotonic()) > 0:
            with suppress(Empty):
                self._wake.get(timeout=left)
        return self._deadline is None


def _no_spool(error: Exception) -> SetupError:
    return SetupError(
        Problem(
            f"events for the collector have no place to wait: {error}",
            hint="name a folder that this process may write to with XDG_STATE_HOME",
        )
    )
