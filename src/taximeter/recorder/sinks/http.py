"""Events to a collector: kept on disk first, sent by a thread of its own, deleted when they are taken."""

from __future__ import annotations

from functools import partial

from taximeter import settings
from taximeter.errors import Problem, SetupError
from taximeter.events import Event
from taximeter.recorder.guard import guarded
from taximeter.recorder.sinks.courier import Courier
from taximeter.recorder.sinks.delivery import Delivery
from taximeter.recorder.sinks.destination import destination
from taximeter.recorder.sinks.later import LaterSink
from taximeter.recorder.sinks.post import Poster
from taximeter.recorder.sinks.spool import Backlog, Spool, left_over

BATCH_EVENTS = 1_000
BATCH_BYTES = 512 << 10
"""What one POST holds at most, before compression."""


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
        self._courier = Courier("taximeter-http", self._run)
        self._delivery = Delivery(self._poster, goal.shown, self._courier.pause)
        self._backlog = Backlog(self._spool.folder)
        self._is_quiet = False
        self._courier.start()

    def emit(self, event: Event) -> None:
        """Keeps one event to be sent."""
        self._spool.append(event)
        self._courier.tell()

    def flush(self, timeout: float) -> bool:
        """Waits until everything is taken by the collector."""
        return self._courier.wait(timeout, lambda: self._is_quiet and not self._courier.is_told)

    def begin_close(self) -> None:
        """Takes no event any more, and gives the thread a moment for what is left."""
        if not self._courier.is_ending:
            self._spool.seal()
            self._courier.begin_close()

    def close(self) -> None:
        """Waits at most 1.5 s, from `begin_close` on, until all is taken; a later process sends the rest."""
        self.begin_close()
        self._courier.join()
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
        self._courier.carry(self._deliver_own)
        self._poster.close()

    @guarded
    def _deliver_own(self) -> None:
        self._is_quiet = False
        self._courier.is_told = False
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
        return not self._courier.is_late and self._delivery.deliver(lines)


def _no_spool(error: Exception) -> SetupError:
    return SetupError(
        Problem(
            f"events for the collector have no place to wait: {error}",
            hint="name a folder that this process may write to with XDG_STATE_HOME",
        )
    )
