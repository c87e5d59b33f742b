"""The recorders of others, as candidates of `recorder.py`: each makes spans with the same five attributes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

PACKAGES = (
    "opentelemetry-sdk==1.45.2",
    "logfire==5.4.0",
    "langfuse==5.0.4",
    "structlog==26.1.0",
    "orjson==3.13.0",
)
ATTRIBUTES: dict[str, Any] = {"model": "gpt-5", "batch": 32, "score": 0.25, "cached": False, "user": "u-42"}
Act = Callable[[int], float | None]
"""Makes so many spans; gives the seconds of CPU that it used for them in other threads than the caller's, if it did."""

Finish = Callable[[], object]


def nothing() -> None:
    """A function to put a span around."""


def decorated(decorator: Callable[[Callable[[], None]], Callable[[], None]]) -> Act:
    """Calls the decorated function."""
    function = decorator(nothing)

    def act(n: int) -> None:
        for _ in range(n):
            function()

    return act


def _otel(exporter: Any) -> tuple[Act, Finish]:
    """By a batch processor as it comes, which drops what its queue of 2,048 cannot hold.

    The loop waits for the exporter, asleep, so that all spans are exported, as ours are.
    """
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    export, exported = exporter.export, 0

    def counted(spans: Any) -> Any:
        nonlocal exported
        result = export(spans)
        exported += len(spans)
        return result

    exporter.export = counted
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("benchmark")
    made = 0

    def act(n: int) -> None:
        nonlocal made
        for _ in range(n):
            attributes = {"model": "gpt-5", "batch": 32, "score": 0.25, "cached": False, "user": "u-42"}
            with tracer.start_as_current_span("embed", attributes=attributes):
                pass
            made += 1
            while made - exported > 1024:
                time.sleep(0.002)

    return act, provider.shutdown


def otel_noop(_: str) -> tuple[Act, Finish]:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    return _otel(Nowhere())


def otel_jsonl(folder: str) -> tuple[Act, Finish]:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    out = open(f"{folder}/otel.jsonl", "w")  # noqa: PTH123, SIM115 - open until the process ends
    return _otel(ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n"))


def otel_no_provider(_: str) -> tuple[Act, Finish]:
    from opentelemetry import trace

    return decorated(trace.get_tracer("benchmark").start_as_current_span("embed", attributes=ATTRIBUTES)), nothing


def logfire_local(_: str) -> tuple[Act, Finish]:
    import logfire

    logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False)

    def act(n: int) -> None:
        for _ in range(n):
            with logfire.span("embed", model="gpt-5", batch=32, score=0.25, cached=False, user="u-42"):
                pass

    return act, logfire.shutdown


def langfuse_local(_: str) -> tuple[Act, Finish]:
    from langfuse import Langfuse

    os.environ["OTEL_SDK_DISABLED"] = "false"
    client = Langfuse(public_key="pk", secret_key="sk", host="http://127.0.0.1:9", timeout=1)

    def act(n: int) -> None:
        for _ in range(n):
            metadata = {"model": "gpt-5", "batch": 32, "score": 0.25, "cached": False, "user": "u-42"}
            with client.start_as_current_observation(name="embed", metadata=metadata):
                pass

    return act, nothing


def structlog_orjson(folder: str) -> tuple[Act, Finish]:
    import orjson
    import structlog

    out = open(f"{folder}/structlog.jsonl", "wb")  # noqa: PTH123, SIM115 - open until the process ends
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=out),
        cache_logger_on_first_use=True,
    )
    log = structlog.get_logger()

    def act(n: int) -> None:
        for _ in range(n):
            log.info("embed", model="gpt-5", batch=32, score=0.25, cached=False, user="u-42")

    return act, out.close


CANDIDATES: tuple[Callable[[str], tuple[Act, Finish]], ...] = (
    structlog_orjson,
    otel_noop,
    otel_jsonl,
    logfire_local,
    langfuse_local,
    otel_no_provider,
)
