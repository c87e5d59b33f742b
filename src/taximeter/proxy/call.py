"""One call as it is written down: what was asked, what the answer tells, and how long it took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter_ns, time

import httpx
import msgspec

from taximeter.events import CallEvent, CallStatus
from taximeter.normalize.reading import Reading, RejectedUsageError, UsageError
from taximeter.proxy.answer import Answer
from taximeter.proxy.endpoints import Endpoint
from taximeter.proxy.question import Question
from taximeter.proxy.route import Route
from taximeter.recorder.guard import guarded, rejected
from taximeter.recorder.reading import call_of


class Call:
    """A request to a model that is on its way; `end` is called with it once it has ended."""

    def __init__(
        self, route: Route, endpoint: Endpoint, question: Question, tries: int, end: Callable[[Call], None]
    ) -> None:
        self._route, self._endpoint, self._question, self._end = route, endpoint, question, end
        self._tries = tries
        """How often the client says that it has sent it, this time included."""

        self._began, self._started_at = perf_counter_ns(), time()
        self._first: int | None = None
        self._answer: Answer | None = None
        self._http_status: int | None = None
        self._request_id: str | None = None
        self.error: str | None = None
        """Why the upstream did not answer."""

        self._is_whole = False
        self._has_ended = False
        self._fetched: str | None = None
        """Id of the response, if what is on its way is a look at whether it is made."""

    def answered(self, response: httpx.Response, answer: Answer) -> None:
        """The head of an answer has come; `answer` reads its body."""
        self._answer, self._http_status = answer, response.status_code
        self._request_id = response.headers.get("x-request-id") or response.headers.get("request-id")

    def take(self, chunk: bytes) -> None:
        """A piece of the answer, as the upstream has sent it."""
        if self._first is None:
            self._first = perf_counter_ns()
        if self._answer is not None:
            self._answer.feed(chunk)

    @guarded
    def end(self, *, whole: bool) -> None:
        """Nothing more comes; `whole` if all of the answer came. Only the first time counts."""
        if not self._has_ended:
            self._has_ended, self._is_whole = True, whole
            self._end(self)

    @property
    def pending(self) -> str | None:
        """Id of the response, if all that is known is that it will be made; None if this was its end."""
        if self._answer is None or self._has_failed or not self._is_whole:
            return self._fetched
        return self._answer.pending() if self._endpoint.in_background else None

    def fetch(self, response_id: str) -> None:
        """The response that was pending is asked for: the answer to that is another chance to know."""
        self._fetched, self._answer, self._http_status, self.error = response_id, None, None, None
        self._has_ended = self._is_whole = False

    @property
    def _has_failed(self) -> bool:
        return self.error is not None or (self._http_status is not None and not 200 <= self._http_status < 300)

    def events(self) -> Iterator[CallEvent]:
        """The call as it ended, one event for each model that worked on it."""
        request_ms = (perf_counter_ns() - self._began) / 1e6
        for reading in self._readings():
            yield self._event(reading, request_ms)

    def _readings(self) -> tuple[Reading, ...]:
        if self._has_failed:
            return (Reading(status="failed"),)
        status: CallStatus = "done" if self._is_whole else "cut"
        if self._answer is None:
            return (Reading(status=status),)
        try:
            readings = self._answer.readings()
        except RejectedUsageError as error:
            rejected(f"{error!s:.200}")
            return (Reading(status=status),)
        except UsageError:
            return (Reading(status=status),)
        if self._is_whole or self._answer.ended:
            return readings
        return tuple(msgspec.structs.replace(reading, status="cut") for reading in readings)

    def _event(self, reading: Reading, request_ms: float) -> CallEvent:
        route, asked, for_whom = self._route, self._question, self._route.attribution
        is_stream = asked.stream or (self._answer is not None and self._answer.is_stream)
        call = call_of(
            reading,
            asked.model,
            http_status=self._http_status if reading.status == "failed" else None,
            error=self.error,
            unreadable=self._answer.trouble if self._answer else None,
        )
        call.run_id, call.stage_id, call.attempt = for_whom.run, for_whom.stage, for_whom.attempt
        call.shard = for_whom.shard
        call.session_id, call.tags = for_whom.session, for_whom.tags
        call.kind, call.provider, call.endpoint = self._endpoint.kind, route.upstream.provider, route.upstream.origin
        call.operation = reading.operation or self._endpoint.operation
        call.request_id, call.tries, call.stream = self._request_id, self._tries, is_stream
        call.started_at, call.request_ms = self._started_at, request_ms
        call.ttft_ms = (self._first - self._began) / 1e6 if is_stream and self._first is not None else None
        call.captured_by = "proxy"
        return call
