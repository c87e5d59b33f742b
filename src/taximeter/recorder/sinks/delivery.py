"""What an answer means: who waits, who tries again, who gives up, and who counts."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Protocol

from taximeter.recorder.sinks.post import Answer

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
"""Seconds between tries: doubled from the first to the longest, each shortened at random so that a fleet spreads."""

LONGEST_WISH = 300.0
"""Seconds for which a collector may ask to be left alone."""

_logger = logging.getLogger("taximeter")


class Posts(Protocol):
    """Posts lines somewhere."""

    def post(self, lines: list[bytes]) -> Answer:
        """Posts the lines and gives what came back."""
        ...


class Delivery:
    """Delivers batches to one destination, each until it is taken or refused for good."""

    def __init__(self, poster: Posts, shown: str, pause: Callable[[float], bool]) -> None:
        self._poster = poster
        self._shown = shown
        self._pause = pause
        """Waits so many seconds; False if there is no time for that."""

        self._said: set[str] = set()
        self.rejected = 0
        """Events that the collector does not take."""

    def deliver(self, lines: list[bytes]) -> bool:
        """True once every line is taken or refused for good; False if there is no time to wait for that."""
        tries = 0
        while True:
            answer = self._poster.post(lines)
            match answer.status:
                case status if 200 <= status < 300:
                    self._count(len(answer.verdict.rejected), f"rejects events: {_first(answer)}")
                    return True
                case 413 if len(lines) > 1:
                    middle = len(lines) // 2
                    return self.deliver(lines[:middle]) and self.deliver(lines[middle:])
                case 401 | 403:
                    self._count(len(lines), f"does not know us ({answer.reason}): set TAXIMETER_HTTP_TOKEN")
                    return True
                case status if 300 <= status < 500 and status not in (408, 429):
                    self._count(len(lines), f"refuses events: {answer.reason}")
                    return True
            self._say(f"cannot take events now, they wait on disk: {answer.reason}")
            if not self._pause(_pause_after(answer, tries)):
                return False
            tries += 1

    def _count(self, events: int, why: str) -> None:
        if events:
            self.rejected += events
            self._say(why)

    def _say(self, what: str) -> None:
        """Logs a thing once: a service must not fill its log with our troubles."""
        if what not in self._said and len(self._said) < 20:
            self._said.add(what)
            _logger.warning("the collector at %s %s", self._shown, what)


def _first(answer: Answer) -> str:
    return bytes(answer.verdict.rejected[0])[:200].decode(errors="replace") if answer.verdict.rejected else ""


def _pause_after(answer: Answer, tries: int) -> float:
    if answer.retry_after is not None:
        return min(answer.retry_after, LONGEST_WISH)
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries, 16)) * random.uniform(0.5, 1.0)
