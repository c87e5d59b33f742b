"""A provider on loopback, and a proxy before it: a process of its own, as people start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.report.build import build
from taximeter.rundir import OutputDir, RunDir
from tests.proxy.upstream import Provider, provider

_events = msgspec.json.Decoder(Event)


class Running:
    """A proxy that serves."""

    def __init__(self, process: subprocess.Popen[str], told: dict[str, Any]) -> None:
        self.process = process
        self.told = told
        self.address: str = told["address"]
        self.run = RunDir(Path(told["run_dir"]))

    def url(self, name: str, prefix: str = "") -> str:
        """The base URL of an SDK."""
        return f"{self.address}{prefix}/{name}"

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ends it, and gives its exit code."""
        self.process.send_signal(number)
        return self.process.wait()

    def calls(self) -> list[CallEvent]:
        """What it wrote down once it has ended in good order."""
        if self.process.poll() is None:
            assert self.end() == 0
        return calls_in(self.run)


def calls_in(run: RunDir) -> list[CallEvent]:
    """All calls in the journals of a run, in the order in which they began."""
    calls = [event for event in events_in(run) if isinstance(event, CallEvent)]
    return sorted(calls, key=lambda call: call.started_at or 0)


def events_in(run: RunDir) -> list[CallEvent | SpanEvent]:
    """All events in the journals of a run."""
    data = b"".join(path.read_bytes().partition(b"\0")[0] for path in run.journals())
    return [_events.decode(line) for line in data.splitlines()]


def totals(run: RunDir) -> Any:
    """The totals of its report."""
    return build(run).totals


Start = Callable[..., Running]


@contextmanager
def started(*arguments: str, environment: dict[str, str] | None = None, **popen: Any) -> Iterator[Running]:
    """A proxy with these arguments, ended at the end of the block if it is not yet."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_BASE_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "taximeter", "proxy", "--json", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=clean | (environment or {}),
        **popen,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"it ended with {process.wait()}"
        yield Running(process, json.loads(line))
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def upstream() -> Iterator[Provider]:
    with provider() as it:
        yield it


@pytest.fixture
def start(upstream: Provider, tmp_path: Path) -> Iterator[Start]:
    """Starts a proxy whose upstreams are all the one provider, and whose run lies in `tmp_path`.

    It begins a run of its own only if an argument is about that: its prices and its report take longer than most tests.
    """
    numbers = count()
    with ExitStack() as stack:

        def begin(*arguments: str, **more: Any) -> Running:
            named = [f"--upstream={name}={upstream.url}" for name in ("openai", "anthropic", "gemini", "other")]
            output = OutputDir(tmp_path / "output")
            if {"--run-id", "--price-table"} & set(arguments):
                arguments = ("--output-dir", str(output.path), *arguments)
            elif "--run-dir" not in arguments:
                run = output.run(f"joined-{next(numbers)}")
                run.create()
                arguments = ("--run-dir", str(run.path), *arguments)
            return stack.enter_context(started(*named, *arguments, **more))

        yield begin


@pytest.fixture
def proxy(start: Start) -> Running:
    """A proxy without any option."""
    return start()
