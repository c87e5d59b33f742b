"""What a browser is told while it looks: differences of the list and of one run, as server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import msgspec
from anyio import CapacityLimiter, to_thread

from taximeter.errors import RunDirError
from taximeter.web.feed import Feed, as_object
from taximeter.web.feeds import Feeds
from taximeter.web.runlist import RunList

_TICK = 0.35
"""Seconds between two looks for somebody who waits: what was written is on the page within a second."""

_BEAT = 4.0
"""Seconds after which a word is said though there is nothing new: who hears none knows that the line is dead."""

_BEAT_EVENT = b"event: beat\ndata: {}\n\n"

LATEST = "latest"
"""In the place of a run id: whichever is the newest."""


class Streams:
    """Serves all who look. Nobody has a queue: who is slow gets fewer, and then larger differences."""

    def __init__(self, runs: RunList, feeds: Feeds, is_stopping: Callable[[], bool]) -> None:
        self._runs = runs
        self._feeds = feeds
        self._is_stopping = is_stopping
        self._threads = CapacityLimiter(16)

    async def follow(self, wanted: str, version: str) -> AsyncIterator[bytes]:
        """Tells of the list since that version, and of the wanted run; of the newest where there is no such run.

        Nothing wanted: of no run.
        """
        yield b"retry: 1000\n\n"
        watcher = Watcher(self._runs, self._feeds, wanted, version)
        said = 0.0
        while not self._is_stopping():
            for news in (watcher.news_of_list, watcher.news_of_run):
                looking = asyncio.create_task(to_thread.run_sync(news, limiter=self._threads))
                while not (await asyncio.wait((looking,), timeout=_BEAT))[0]:  # a large run is read for the first time
                    yield _BEAT_EVENT
                if looking.result():
                    yield looking.result()
                    said = time.monotonic()
            if time.monotonic() - said >= _BEAT:
                yield _BEAT_EVENT
                said = time.monotonic()
            await asyncio.sleep(_TICK)


class Watcher:
    """What one browser knows already."""

    def __init__(self, runs: RunList, feeds: Feeds, wanted: str, version: str) -> None:
        self._runs = runs
        self._feeds = feeds
        self._wanted = wanted
        self._list_version = version
        self._run_id = ""
        self._feed: Feed | None = None
        """Of the run that is shown, for as long as it is: it stays open however many others are looked at."""

        self._run_version = 0
        self._trouble = ""

    def news_of_list(self) -> bytes:
        """An event for what is new in the list; empty if nothing is."""
        self._runs.look()
        changes = self._runs.since(self._list_version)
        if changes is None:
            return b""
        self._list_version = self._runs.version
        return b"event: runs\nid: " + self._list_version.encode() + b"\ndata: " + changes + b"\n\n"

    def news_of_run(self) -> bytes:
        """An event for what is new in the run; empty if nothing is."""
        if not self._wanted:
            return b""
        run_id = self._wanted if self._runs.has(self._wanted) else self._runs.newest()
        if run_id is None:
            return b""
        if self._feed is None or run_id != self._run_id:
            self._feed, self._run_id, self._run_version = self._feeds.of(run_id), run_id, 0
        feed = self._feed
        try:
            feed.look()
        except RunDirError as error:
            return self._news_of_trouble(run_id, str(error))
        self._trouble = ""
        version, whole = feed.parts.version, self._run_version == 0
        parts = feed.parts.since(self._run_version)
        if not parts:
            return b""
        self._run_version = version
        head = msgspec.json.encode({"run": run_id, "whole": whole})[:-1]
        return b"event: report\ndata: " + head + b',"parts":' + as_object(parts) + b"}\n\n"

    def _news_of_trouble(self, run_id: str, trouble: str) -> bytes:
        if trouble == self._trouble:
            return b""
        self._trouble, self._feed = trouble, None
        return b"event: trouble\ndata: " + msgspec.json.encode({"run": run_id, "error": trouble}) + b"\n\n"
