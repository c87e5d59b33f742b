"""Serves the dashboard, and waits for nobody longer than it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from taximeter.errors import Problem, SetupError
from taximeter.rundir import OutputDir
from taximeter.web.access import Access
from taximeter.web.app import make_app

_HEAD, _READING = 10.0, 20.0
"""Seconds that a client has to say what it wants, and to take what it was sent a part of."""

_CONNECTIONS = 200
_LONGEST_HEAD = 1 << 18
"""Bytes of a request before its body: names of stages stand in it, and they can be long."""

_SHORTEST = 16
"""Characters of a token."""


class Patient(H11Protocol):
    """A connection that is closed if its request does not come, or if its answer is not taken."""

    _asking: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio."""
        super().connection_made(transport)
        self._asking = self.loop.call_later(_HEAD, transport.abort)

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        if self._asking is None:
            self._asking = self.loop.call_later(_HEAD, self.transport.abort)
        super().data_received(data)
        if self.cycle is not None and not self.cycle.more_body:  # all of it is here
            self._asking.cancel()
            self._asking = None

    def pause_writing(self) -> None:
        """asyncio."""
        super().pause_writing()
        self._taking = self.loop.call_later(_READING, self.transport.abort)

    def resume_writing(self) -> None:
        """asyncio."""
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        for timer in (self._asking, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)


def check(host: str, token: str | None) -> None:
    """SetupError if others could look at the runs without being asked who they are."""
    if token is not None and len(token) < _SHORTEST:
        message = f"the token is shorter than {_SHORTEST} characters"
        hint = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        raise SetupError(Problem(message, hint, key="--token"))
    if token is None and not is_loopback(host):
        message = f"whoever reaches {host} could look at all runs"
        hint = (
            "give --token, or TAXIMETER_SERVE_TOKEN in the environment; or leave --host out to serve this machine only"
        )
        raise SetupError(Problem(message, hint, key="--host"))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound; SetupError if it cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SetupError(Problem(f"cannot serve at {host}: {error.strerror}", key="--host")) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        message = f"cannot serve at {host}, port {port}: {error.strerror}"
        raise SetupError(Problem(message, "choose another --port; 0 is any that is free", key="--port")) from None
    return bound


def make_server(output: OutputDir, access: Access) -> uvicorn.Server:
    """A server of the dashboard; its streams end when it is told to exit."""
    return server_of(lambda is_stopping: make_app(output, access, is_stopping), _CONNECTIONS)


def server_of(make: Callable[[Callable[[], bool]], ASGIApp], connections: int) -> uvicorn.Server:
    """A server of an application that is told when to stop, for at most so many connections."""
    servers: list[uvicorn.Server] = []
    config = uvicorn.Config(
        make(lambda: servers[0].should_exit),
        http=Patient,
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="error",
        server_header=False,
        limit_concurrency=connections,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_graceful_shutdown=3,
    )
    servers.append(uvicorn.Server(config))
    return servers[0]


def serve(output: OutputDir, access: Access, bound: socket.socket, ready: Callable[[], Any]) -> None:
    """Serves until a signal ends it; calls `ready` before."""
    server = make_server(output, access)
    bound.listen()
    ready()
    server.run(sockets=[bound])
