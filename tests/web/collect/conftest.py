"""A collector as a process of its own, and what is sent to it."""

import json
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Served

Collect = Callable[..., Served]


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[Collect]:
    """Serves the folder `tmp_path` as a collector. What it complains of is a failure."""
    servers: list[Served] = []

    def start(*arguments: str, **more: Any) -> Served:
        servers.append(Served(tmp_path, "--collect", *arguments, **more))
        assert servers[-1].address.startswith("http://"), servers[-1].said
        return servers[-1]

    yield start
    running = [server for server in servers if server.process.returncode is None]
    assert [server.close() for server in running] == [""] * len(running)


def call(seq: int, process: str = "p", run_id: str = "r", **fields: Any) -> bytes:
    """A line."""
    usage = {"input_tokens": 10, "output_tokens": 5}
    given = {"run_id": run_id, "model": "gpt-5", "usage": usage, "started_at": 1_767_225_600.0, **fields}
    return json.dumps({"schema_version": "call_v1", "event_id": [process, seq], **given}).encode()


def span(seq: int, kind: str = "process", process: str = "p", run_id: str = "r", **fields: Any) -> bytes:
    """A line."""
    given = {"run_id": run_id, "trace_id": "1" * 32, "span_id": "2" * 16, "span": "s", "started_at": 1_767_225_600.0}
    return json.dumps(
        {"schema_version": "span_v1", "event_id": [process, seq], "kind": kind, **given, **fields}
    ).encode()


class Answered:
    """What came back."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def said(self) -> Any:
        return json.loads(self.body)


def post(
    server: Served, lines: list[bytes] | bytes, path: str = "/v1/events", compress: bool = False, **headers: str
) -> Answered:
    """Posts lines, or a body."""
    body = lines if isinstance(lines, bytes) else b"\n".join(lines) + b"\n"
    if compress:
        headers["Content-Encoding"], body = "gzip", zlib.compress(body, 1, 31)
    return ask(server, "POST", path, body, **headers)


def ask(server: Served, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
    """One request."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answered(response.status, dict(response.headers), response.read())
    finally:
        connection.close()
