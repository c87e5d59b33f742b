"""The process of the proxy: it listens, serves until it is told to end, and then lets what is on its way arrive."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import httpx
import msgspec
import uvicorn

from taximeter.errors import Problem, SetupError
from taximeter.proxy.app import Proxy
from taximeter.proxy.books import Books
from taximeter.proxy.upstreams import Upstream

_CONNECT_SECONDS = 30.0
_IDLE_SECONDS = 120
"""How long a client may keep a connection for its next request: longer than clients do, so that they close it first."""

_BACKLOG = 2048
_MOST_IDLE = 100
"""Connections to upstreams that are kept for the next request."""


class Options(msgspec.Struct, frozen=True):
    """How the proxy serves."""

    upstreams: Mapping[str, Upstream]
    asks_usage: bool
    upstream_timeout: float
    """Seconds in which nothing comes from an upstream, after which it is given up."""

    drain: float
    """Seconds that requests on their way get to arrive when the proxy is told to end."""

    ends_with_stdin: bool


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, on any free port if it is 0; SetupError if it cannot."""
    listening = None
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(_BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        hint = "name another --host or --port; --port 0 takes a free one"
        raise SetupError(Problem(f"cannot listen on {host} port {port}: {error.strerror}", hint)) from None
    return listening


def address(listening: socket.socket) -> str:
    """The URL by which it is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(listening: socket.socket, books: Books, options: Options, ready: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT; a second one ends it without waiting. `ready` is called once it answers."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a stream takes two connections; the usual 1,024 are few
    asyncio.run(_serve(listening, books, options, ready))


async def _serve(listening: socket.socket, books: Books, options: Options, ready: Callable[[], None]) -> None:
    willing = {name for name, upstream in options.upstreams.items() if options.asks_usage and upstream.asks}
    timeout = httpx.Timeout(
        options.upstream_timeout, connect=min(_CONNECT_SECONDS, options.upstream_timeout), pool=None
    )
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=_MOST_IDLE)
    async with httpx.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False) as client:
        is_local = listening.getsockname()[0] in ("127.0.0.1", "::1")
        proxy = Proxy(options.upstreams, willing, books, client, is_local=is_local)
        server = _Server(proxy, options, ready)
        await server.serve(sockets=[listening])
        left = server.server_state.tasks
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)  # each still has a call to write down
        proxy.close()


class _Server(uvicorn.Server):
    def __init__(self, app: Proxy, options: Options, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level=60,  # nothing: what goes wrong with a request is told to its client, and is in its call
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=max(int(options.drain), 1),
            )
        )
        self._ends_with_stdin = options.ends_with_stdin
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        heeded = [number for number, handler in before.items() if handler != signal.SIG_IGN]  # not under nohup
        for number in heeded:
            loop.add_signal_handler(number, self._end)
        if self._ends_with_stdin:
            threading.Thread(target=_wait_for_end_of_stdin, args=(loop, self._end), daemon=True).start()
        try:
            yield
        finally:
            for number in heeded:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])

    def _end(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _wait_for_end_of_stdin(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(end)
