"""What a span costs: ours, those of others, and the floor below which nothing in Python gets.

    python benchmarks/recorder.py [spans] [rounds]

Every candidate runs in a process of its own, rounds take turns, medians and (best) are printed, in microseconds a span
with five attributes. `producer` is the time the measured program loses, `CPU` what all threads of the process use until
everything is written. Candidates whose packages are not installed are left out: opentelemetry-sdk, logfire, langfuse,
structlog, orjson.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

ATTRIBUTES: dict[str, Any] = {"model": "gpt-5", "batch": 32, "score": 0.25, "cached": False, "user": "u-42"}
Act = Callable[[int], None]
Finish = Callable[[], object]


def _nothing() -> None:
    pass


def _decorated(decorator: Callable[[Callable[[], None]], Callable[[], None]]) -> Act:
    function = decorator(_nothing)

    def act(n: int) -> None:
        for _ in range(n):
            function()

    return act


def _ours(folder: str, **options: Any) -> tuple[Act, Finish]:
    import taximeter

    taximeter.enable(sink=f"jsonl:{folder}/events.jsonl", **options)
    span = taximeter.span

    def act(n: int) -> None:
        for _ in range(n):
            with span("embed", **ATTRIBUTES):
                pass

    return act, taximeter.disable


def ours(folder: str) -> tuple[Act, Finish]:
    return _ours(folder)


def ours_cpu(folder: str) -> tuple[Act, Finish]:
    return _ours(folder, span_cpu=True)


def ours_decorator(folder: str) -> tuple[Act, Finish]:
    import taximeter

    _, finish = _ours(folder)
    return _decorated(taximeter.span("embed", **ATTRIBUTES)), finish


def ours_two_threads(folder: str) -> tuple[Act, Finish]:
    from threading import Thread

    act, finish = _ours(folder)

    def both(n: int) -> None:
        threads = [Thread(target=act, args=(n // 2,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return both, finish


def ours_asyncio(folder: str) -> tuple[Act, Finish]:
    import asyncio

    import taximeter

    _, finish = _ours(folder)
    span = taximeter.span

    async def task(n: int) -> None:
        for _ in range(n):
            with span("embed", **ATTRIBUTES):
                pass

    async def tasks(n: int) -> None:
        await asyncio.gather(*(task(n // 10) for _ in range(10)))

    return lambda n: asyncio.run(tasks(n)), finish


def ours_off(_: str) -> tuple[Act, Finish]:
    import taximeter

    return _decorated(taximeter.span("embed", **ATTRIBUTES)), _nothing


def bare_call(_: str) -> tuple[Act, Finish]:
    return _decorated(lambda function: function), _nothing


def floor(_: str) -> tuple[Act, Finish]:
    """Two clocks, UTC, a context variable set and reset, `with` on a slotted class, one encoded record."""
    from contextvars import ContextVar
    from time import perf_counter_ns, time_ns

    import msgspec

    from taximeter.events import SpanEvent

    current: ContextVar[object] = ContextVar("current", default=None)
    encode = msgspec.json.Encoder().encode
    place = ("run-20261126T120000Z-abcdef", "0" * 31 + "1", "a" * 16, "span", "embed", 1764158400.1234567)
    event = SpanEvent(("aabbccddeeff", 1), *place, pid=1, ended_at=1764158400.1234577, wall_ms=0.001, meta=ATTRIBUTES)

    class Region:
        __slots__ = ("attributes", "name", "token")

        def __init__(self, name: str, **attributes: Any) -> None:
            self.name, self.attributes = name, attributes

        def __enter__(self) -> None:
            self.token = current.set(self)

        def __exit__(self, *_: object) -> None:
            current.reset(self.token)

    def act(n: int) -> None:
        for _ in range(n):
            with Region("embed", **ATTRIBUTES):
                perf_counter_ns()
                time_ns()
                perf_counter_ns()
                encode(event)

    return act, _nothing


def _otel(exporter: Any) -> tuple[Act, Finish]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("benchmark")

    def act(n: int) -> None:
        for _ in range(n):
            with tracer.start_as_current_span("embed", attributes=ATTRIBUTES):
                pass

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

    return _decorated(trace.get_tracer("benchmark").start_as_current_span("embed", attributes=ATTRIBUTES)), _nothing


def logfire_local(_: str) -> tuple[Act, Finish]:
    import logfire

    logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False)

    def act(n: int) -> None:
        for _ in range(n):
            with logfire.span("embed", **ATTRIBUTES):
                pass

    return act, logfire.shutdown


def langfuse_local(_: str) -> tuple[Act, Finish]:
    from langfuse import Langfuse

    os.environ["OTEL_SDK_DISABLED"] = "false"
    client = Langfuse(public_key="pk", secret_key="sk", host="http://127.0.0.1:9", timeout=1)

    def act(n: int) -> None:
        for _ in range(n):
            with client.start_as_current_observation(name="embed", metadata=ATTRIBUTES):
                pass

    return act, _nothing


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
            log.info("embed", **ATTRIBUTES)

    return act, out.close


CANDIDATES: tuple[Callable[[str], tuple[Act, Finish]], ...] = (
    floor,
    ours,
    ours_decorator,
    ours_cpu,
    ours_two_threads,
    ours_asyncio,
    structlog_orjson,
    otel_noop,
    otel_jsonl,
    logfire_local,
    langfuse_local,
    bare_call,
    ours_off,
    otel_no_provider,
)


def measure(name: str, spans: int) -> None:
    """One round of one candidate, in this process: prints microseconds a span."""
    candidate = next(c for c in CANDIDATES if c.__name__ == name)
    with tempfile.TemporaryDirectory() as folder:
        act, finish = candidate(folder)
        act(max(spans // 10, 10))
        cpu, wall = time.process_time(), time.perf_counter()
        act(spans)
        produced = time.perf_counter() - wall
        finish()
        used = time.process_time() - cpu
    sys.stdout.write(json.dumps([produced / spans * 1e6, used / spans * 1e6]))
    sys.stdout.flush()
    os._exit(0)  # some of the candidates take long to say goodbye


def main(spans: int, rounds: int) -> None:
    """Prints the table."""
    found: dict[str, list[tuple[float, float]]] = {candidate.__name__: [] for candidate in CANDIDATES}
    for _ in range(rounds):
        for name in list(found):
            command = [sys.executable, __file__, name, str(spans)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if done.returncode:
                print(f"{name}: left out, it cannot run here")
                del found[name]
            else:
                found[name].append(tuple(json.loads(done.stdout)))
    for name, figures in found.items():
        producer, cpu = zip(*figures, strict=True)
        print(
            f"{name:<18} producer {statistics.median(producer):8.2f} ({min(producer):.2f})"
            f"   CPU {statistics.median(cpu):8.2f} ({min(cpu):.2f})"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].isdecimal():
        measure(sys.argv[1], int(sys.argv[2]))
    main(int(sys.argv[1]) if sys.argv[1:] else 20_000, int(sys.argv[2]) if sys.argv[2:] else 7)
