"""One call as it is written down: what was asked, what the answer tells, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter_ns, time
from typing import Any

import httpx
import msgspec

from taximeter.events import CallEvent, CallStatus
from taximeter.normalize.reading import Reading, RejectedUsageError, UsageError
from taximeter.proxy.answer import Answer
from taximeter.proxy.endpoints import Endpoint
from taximeter.proxy.question import Question
from taximeter.proxy.route import Route
from taximeter.recorder.guard import rejected
from taximeter.recorder.recording import NO_EVENT_ID
from taximeter.usage import NO_USAGE


class Call:
    """A request to a model that is on its way."""

    def __init__(self, route: Route, endpoint: Endpoint, question: Question, tries: int) -> None:
        self._route, self._endpoint, self._question = route, endpoint, question
        self._tries = tries
        """How often the client says that it has sent it, this time included."""

        self._began, self._started_at = perf_counter_ns(), time()
        self._first: int | None = None
        self._answer: Answer | None = None
        self._http_status: int | None = None
        self._request_id: str | None = None
        self.error: str | None = None
        """Why the upstream did not answer."""

        self.is_whole = False
        """Whether all of the answer came."""

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

    def events(self) -> Iterator[CallEvent]:
        """The call as it ended, one event for each model that worked on it."""
        request_ms = (perf_counter_ns() - self._began) / 1e6
        for reading in self._readings():
            yield self._event(reading, request_ms)

    def _readings(self) -> tuple[Reading, ...]:
        if self.error is not None or (self._http_status is not None and not 200 <= self._http_status < 300):
            return (Reading(status="failed"),)
        status: CallStatus = "done" if self.is_whole else "cut"
        if self._answer is None:
            return (Reading(status=status),)
        try:
            readings = self._answer.readings()
        except RejectedUsageError as error:
            rejected(f"{error!s:.200}")
            return (Reading(status=status),)
        except UsageError:
            return (Reading(status=status),)
        if self.is_whole or self._answer.ended:
            return readings
        return tuple(msgspec.structs.replace(reading, status="cut") for reading in readings)

    def _event(self, reading: Reading, request_ms: float) -> CallEvent:
        route, asked, for_whom = self._route, self._question, self._route.attribution
        is_stream = asked.stream or (self._answer is not None and self._answer.is_stream)
        return CallEvent(
            event_id=NO_EVENT_ID,
            run_id=for_whom.run,
            stage_id=for_whom.stage,
            attempt=for_whom.attempt,
            session_id=for_whom.session,
            tags=for_whom.tags,
            kind=self._endpoint.kind,
            provider=route.upstream.provider,
            endpoint=route.upstream.origin,
            operation=reading.operation or self._endpoint.operation,
            model=reading.model or asked.model or reading.response_model or "unknown",
            response_model=reading.response_model,
            usage=reading.usage,
            usage_source="missing" if reading.usage == NO_USAGE else "provider",
            inconsistent=reading.inconsistent,
            status=reading.status,
            processing=reading.processing,
            service_tier=reading.service_tier,
            response_id=reading.response_id,
            request_id=self._request_id,
            tries=self._tries,
            stream=is_stream,
            started_at=self._started_at,
            request_ms=request_ms,
            ttft_ms=(self._first - self._began) / 1e6 if is_stream and self._first is not None else None,
            provider_cost=reading.provider_cost,
            captured_by="proxy",
            meta=self._meta(reading),
        )

    def _meta(self, reading: Reading) -> dict[str, Any] | None:
        """What decides a price, what nobody here understands, and why it failed."""
        told = {
            "speed": reading.speed,
            "inference_geo": reading.inference_geo,
            "usage_raw": reading.usage_raw or None,
            "http_status": self._http_status if reading.status == "failed" else None,
            "error": self.error,
            "unreadable": self._answer.trouble if self._answer else None,
        }
        return {name: value for name, value in told.items() if value is not None} or None
