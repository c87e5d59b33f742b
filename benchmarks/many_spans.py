"""What very many spans do to a program: its memory, its slowest spans, and whether each of them is there.

    python benchmarks/recorder.py long [spans]

Spans with five attributes go to a run directory below TMPDIR (0.4 KB each), which is read back and removed afterwards.
The time of each is taken twice: on the clock, and in CPU of the thread, which no other program of the machine adds to.
"""

from __future__ import annotations

import resource
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

import taximeter
from taximeter.events import SpanEvent
from taximeter.journal.reader import RESERVED, LineReader
from taximeter.journal.short import EventReader
from taximeter.recorder.guard import losses

_WARM_UP = 20_000
_SHARES = (0.5, 0.99, 0.999, 0.9999)


def _resident() -> dict[str, int]:
    """KiB of this process in memory: all of it, its own, and mapped of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(status[name].split()[0]) for name in ("VmRSS", "RssAnon", "RssFile", "RssShmem")}


def _make(spans: int, clock: Counter[int], cpu: Counter[int]) -> None:
    span = taximeter.span
    for _ in range(spans):
        used, began = thread_time_ns(), perf_counter_ns()
        with span("embed", model="gpt-5", batch=32, score=0.25, cached=False, user="u-42"):
            pass
        ended = perf_counter_ns()
        cpu[(thread_time_ns() - used) // 1000] += 1
        clock[(ended - began) // 1000] += 1


def _quantiles(micros: Counter[int]) -> str:
    left, found = sum(micros.values()), {}
    total = left
    for micro in sorted(micros, reverse=True):
        for share in _SHARES:
            if left > total * share:
                found[share] = micro + 1
        left -= micros[micro]
    return ", ".join(f"p{share * 100:g} {found[share]}" for share in _SHARES) + f", slowest {max(micros) + 1} us"


def _written(folder: Path) -> int:
    found = 0
    for path in folder.rglob("events/*.jsonl*"):
        events = EventReader()
        for line in LineReader(path, end=RESERVED).lines():
            event = events.event(line.data)
            found += isinstance(event, SpanEvent) and event.kind == "span"
    return found


def main(spans: int) -> None:
    """Prints what was measured."""
    clock: Counter[int] = Counter()
    cpu: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        taximeter.enable(output_dir=folder)
        _make(_WARM_UP, clock, cpu)
        clock.clear()
        cpu.clear()
        before, switches = _resident(), resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        _make(spans, clock, cpu)
        after, taken = _resident(), resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
        taximeter.disable()
        written = _written(Path(folder)) - _WARM_UP
    grown = {name: (after[name] - before[name]) / 1024 for name in after}
    print(f"{spans:,} spans: {written:,} written, {losses['dropped']} dropped")
    print("memory grew by", ", ".join(f"{name} {size:+.1f} MiB" for name, size in grown.items()))
    print(f"on the clock: {_quantiles(clock)}; {taken:,} times another program took the core")
    print(f"CPU of the thread: {_quantiles(cpu)}")
