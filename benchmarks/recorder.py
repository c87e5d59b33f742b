"""What a span costs: ours, those of others, and the floor below which nothing in Python gets.

    python benchmarks/recorder.py [spans] [rounds]
    python benchmarks/recorder.py long [spans]         one long run: memory, slowest spans (see many_spans.py)

Every candidate runs in a process of its own, rounds take turns, medians and (best) are printed, in microseconds a span
with five attributes, written as one writes them. `producer` is the CPU time of the threads that make the spans, `CPU`
what all threads of the process use until everything is written, `wall` what passes while the spans are made. The
recorders of others are installed into an environment of their own, which is made anew, and so is ours as the wheel with
compiled modules, beside ours as Python interprets it. At last the targets: how many times dearer others are than ours,
by the best rounds.
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
from pathlib import Path
from typing import Any

import span_peers
from environments import python_with
from span_peers import ATTRIBUTES, Act, Finish, decorated, nothing


def _ours(folder: str, **options: Any) -> tuple[Act, Finish]:
    import taximeter

    taximeter.enable(sink=f"jsonl:{folder}/events.jsonl", **options)
    span = taximeter.span

    def act(n: int) -> None:
        for _ in range(n):
            with span("embed", model="gpt-5", batch=32, score=0.25, cached=False, user="u-42"):
                pass

    return act, taximeter.disable


def ours(folder: str) -> tuple[Act, Finish]:
    return _ours(folder)


def ours_cpu(folder: str) -> tuple[Act, Finish]:
    return _ours(folder, span_cpu=True)


def ours_decorator(folder: str) -> tuple[Act, Finish]:
    import taximeter

    _, finish = _ours(folder)
    return decorated(taximeter.span("embed", **ATTRIBUTES)), finish


def ours_two_threads(folder: str) -> tuple[Act, Finish]:
    from threading import Thread

    act, finish = _ours(folder)

    def both(n: int) -> float:
        used: list[float] = []

        def half() -> None:
            began = time.thread_time()
            act(n // 2)
            used.append(time.thread_time() - began)

        threads = [Thread(target=half) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(used)

    return both, finish


def ours_asyncio(folder: str) -> tuple[Act, Finish]:
    import asyncio

    import taximeter

    _, finish = _ours(folder)
    span = taximeter.span

    async def task(n: int) -> None:
        for _ in range(n):
            with span("embed", model="gpt-5", batch=32, score=0.25, cached=False, user="u-42"):
                pass

    async def tasks(n: int) -> None:
        await asyncio.gather(*(task(n // 10) for _ in range(10)))

    return lambda n: asyncio.run(tasks(n)), finish


def ours_off(_: str) -> tuple[Act, Finish]:
    import taximeter

    return decorated(taximeter.span("embed", **ATTRIBUTES)), nothing


def bare_call(_: str) -> tuple[Act, Finish]:
    return decorated(lambda function: function), nothing


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
            with Region("embed", model="gpt-5", batch=32, score=0.25, cached=False, user="u-42"):
                perf_counter_ns()
                time_ns()
                perf_counter_ns()
                encode(event)

    return act, nothing


FLOOR: tuple[Callable[[str], tuple[Act, Finish]], ...] = (floor, bare_call)
OURS: tuple[Callable[[str], tuple[Act, Finish]], ...] = (
    ours,
    ours_decorator,
    ours_cpu,
    ours_two_threads,
    ours_asyncio,
    ours_off,
)
CANDIDATES = {candidate.__name__: candidate for candidate in (*FLOOR, *OURS, *span_peers.CANDIDATES)}
ROOT = Path(__file__).parent.parent

INTERPRETED, COMPILED = "interpreted", "compiled"
PRODUCER, CPU, WALL = range(3)
TARGETS = (
    ("otel_noop", "ours", PRODUCER, 10),
    ("otel_noop", "ours_decorator", PRODUCER, 10),
    ("otel_jsonl", "ours", CPU, 30),
    ("otel_jsonl", "ours_decorator", CPU, 30),
    ("otel_no_provider", "ours_off", PRODUCER, 30),
)
"""Who shall be how many times dearer than whom, and in what."""


def measure(name: str, spans: int) -> None:
    """One round of one candidate, in this process: prints microseconds a span."""
    with tempfile.TemporaryDirectory() as folder:
        act, finish = CANDIDATES[name](folder)
        act(max(spans // 10, 10))
        cpu, own, began = time.process_time(), time.thread_time(), time.perf_counter()
        elsewhere = act(spans)
        produced, wall = time.thread_time() - own + (elsewhere or 0.0), time.perf_counter() - began
        finish()
        used = time.process_time() - cpu
    sys.stdout.write(json.dumps([seconds / spans * 1e6 for seconds in (produced, used, wall)]))
    sys.stdout.flush()
    os._exit(0)  # some of the candidates take long to say goodbye


def environments(folder: Path) -> list[tuple[str, str | Path, str]]:
    """Every candidate as it is printed, the Python that it runs in, and its name; environments are made for those that
    need one."""
    peers = python_with(folder / "peers", *span_peers.PACKAGES)
    compiled = python_with(folder / "compiled", str(ROOT), HATCH_BUILD_HOOK_ENABLE_CUSTOM="1")
    names = [(candidate.__name__, sys.executable, candidate.__name__) for candidate in FLOOR]
    for candidate in OURS:
        name = candidate.__name__
        names += [
            (f"{name}, {how}", python, name) for how, python in ((INTERPRETED, sys.executable), (COMPILED, compiled))
        ]
    return names + [(candidate.__name__, peers, candidate.__name__) for candidate in span_peers.CANDIDATES]


def main(spans: int, rounds: int) -> None:
    """Prints the table, and how far the targets are."""
    found: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        candidates = environments(Path(folder))
        for _ in range(rounds):
            for shown, python, name in candidates:
                command = [python, __file__, name, str(spans)]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"{shown}: {done.stderr}")
                found.setdefault(shown, []).append(json.loads(done.stdout))
    for shown, figures in found.items():
        told = zip(("producer", "CPU", "wall"), zip(*figures, strict=True), strict=True)
        print(f"{shown:<29}", *(f"{what} {statistics.median(of):8.2f} {f'({min(of):.2f})':9}" for what, of in told))
    best = {shown: [min(of) for of in zip(*figures, strict=True)] for shown, figures in found.items()}
    for how in (INTERPRETED, COMPILED):
        for dear, name, what, target in TARGETS:
            print(f"{dear} / {name}, {how}: {best[dear][what] / best[f'{name}, {how}'][what]:.1f} (target: {target})")
        for name in ("ours", "ours_decorator"):
            ratio = best[f"{name}, {how}"][PRODUCER] / best["floor"][PRODUCER]
            print(f"{name}, {how} / floor: {ratio:.1f} (target: at most 3)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["long"]:
        from many_spans import main as many_spans

        many_spans(int(sys.argv[2]) if sys.argv[2:] else 10_000_000)
        sys.exit()
    if len(sys.argv) > 1 and not sys.argv[1].isdecimal():
        measure(sys.argv[1], int(sys.argv[2]))
    main(int(sys.argv[1]) if sys.argv[1:] else 20_000, int(sys.argv[2]) if sys.argv[2:] else 7)
