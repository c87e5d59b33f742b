"""The runs that are being looked at."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from taximeter.rundir import OutputDir, safe_name
from taximeter.web.feed import Feed

_MOST = 16
"""Runs whose books stay open; a run that nobody has asked for since is opened anew when somebody does."""


class Feeds:
    """One feed a run, by run id. Threads may share them."""

    def __init__(self, output: OutputDir) -> None:
        self.output = output
        self._feeds: OrderedDict[str, Feed] = OrderedDict()
        self._lock = Lock()

    def of(self, run_id: str) -> Feed:
        """The feed of a run; whatever the id is, its directory is one of the folder of runs."""
        with self._lock:
            feed = self._feeds.pop(run_id, None) or Feed(self.output.run(safe_name(run_id)))
            self._feeds[run_id] = feed
            if len(self._feeds) > _MOST:
                self._feeds.popitem(last=False)
            return feed

    def has(self, run_id: str) -> bool:
        """Whether the books of a run are open."""
        with self._lock:
            return run_id in self._feeds
