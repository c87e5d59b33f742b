"""The whole service: what is sent is written, and the dashboard shows it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from starlette.types import ASGIApp

from taximeter.errors import Problem, SetupError
from taximeter.pricing.sheet import Sheet
from taximeter.rundir import OutputDir
from taximeter.web import server
from taximeter.web.access import Access
from taximeter.web.app import make_app
from taximeter.web.collect.app import Collector
from taximeter.web.collect.body import Room
from taximeter.web.collect.dashboards import Dashboards
from taximeter.web.collect.door import Door, LocalDoor, TokenDoor
from taximeter.web.collect.handles import Handles
from taximeter.web.collect.keeper import Keeper
from taximeter.web.collect.projects import Ring, Tokens
from taximeter.web.collect.shelf import Shelf
from taximeter.web.collect.writer import Writer

_CONNECTIONS = 8_000
_FILES = 16_384
"""Descriptors: of connections, of runs that are held, of files that are written."""

_ROOM = 256 << 20
"""Bytes of all requests that are read or wait to be written."""

_EACH = 1.0
"""Seconds between two looks at how much has come."""


class Options(msgspec.Struct, frozen=True):
    """How the collector serves."""

    output: OutputDir
    access: Access
    tokens: Tokens
    """Empty: one project, whose folder is the output folder itself, and nobody but this machine sends."""

    sheet: Sheet
    """Prices runs that have no prices yet."""

    max_body: int
    """Bytes of a request, after it is inflated."""

    lost_after: float
    """Seconds of silence after which a run that has not ended is lost."""

    sync: Callable[[int], None]
    """Called with each file that was written."""

    @property
    def projects(self) -> dict[str, OutputDir]:
        """Output folders by project."""
        return {name: OutputDir(self.output.path / name) for name in self.tokens} or {"": self.output}


class Traffic(msgspec.Struct, frozen=True):
    """How much has come."""

    events: int
    per_second: float
    runs: int
    """That go on."""


def serve(options: Options, bound: socket.socket, ready: Callable[[], Any], tell: Callable[[Traffic], Any]) -> None:
    """Serves until a signal ends it; calls `ready` before, and then `tell` each second.

    SetupError if another collector writes to the same folder.
    """
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = _FILES if allowed == resource.RLIM_INFINITY else min(_FILES, allowed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, allowed))
    with _alone(options.output):
        asyncio.run(_serve(options, bound, ready, tell))


async def _serve(
    options: Options, bound: socket.socket, ready: Callable[[], Any], tell: Callable[[Traffic], Any]
) -> None:
    handles = Handles()
    shelves = {name: Shelf(output, options.sheet, handles) for name, output in options.projects.items()}
    keeper = Keeper(options.lost_after)
    writer = Writer(asyncio.get_running_loop(), list(shelves.values()), keeper, options.sync)
    door: Door = TokenDoor(Ring(options.tokens)) if options.tokens else LocalDoor(options.access)

    def make(is_stopping: Callable[[], bool]) -> ASGIApp:
        dashboard = _dashboard(options, is_stopping)
        return Collector(shelves, door, writer, Room(_ROOM), options.max_body, dashboard)

    serving = server.server_of(make, _CONNECTIONS)
    bound.listen(2048)
    ready()
    watching = asyncio.create_task(_watch(shelves, writer, serving, tell))
    try:
        await serving.serve(sockets=[bound])
    finally:
        watching.cancel()
        has_failed = not writer.is_alive
        writer.close()
        handles.close_all()
    if has_failed:
        raise RuntimeError("the thread that writes has failed: its error stands above")


async def _watch(shelves: dict[str, Shelf], writer: Writer, serving: Any, tell: Callable[[Traffic], Any]) -> None:
    """Tells how much comes; ends the server if nobody writes any more, which is an error of ours."""
    before, then = 0, time.monotonic()
    while writer.is_alive:
        await asyncio.sleep(_EACH)
        events, now = sum(shelf.counts.accepted for shelf in shelves.values()), time.monotonic()
        tell(Traffic(events, (events - before) / (now - then), sum(len(shelf.runs) for shelf in shelves.values())))
        before, then = events, now
    serving.should_exit = True


def _dashboard(options: Options, is_stopping: Callable[[], bool]) -> ASGIApp:
    if not options.tokens:
        return make_app(options.output, options.access, is_stopping)
    doors = [
        (msgspec.structs.replace(options.access, token=token), OutputDir(options.output.path / name))
        for name, tokens in options.tokens.items()
        for token in tokens
    ]
    accesses = [access for access, _ in doors]
    return Dashboards([(access, make_app(output, access, is_stopping, accesses)) for access, output in doors])


@contextmanager
def _alone(output: OutputDir) -> Iterator[None]:
    """Keeps other collectors away from the folder: each would know only of what it has taken itself."""
    output.path.mkdir(parents=True, exist_ok=True)
    path = output.path / "collector.lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "give each an --output-dir of its own, or send to the one that runs"
            raise SetupError(Problem("another collector writes to this folder", hint, str(output.path))) from None
        yield
    finally:
        os.close(fd)
