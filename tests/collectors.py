"""Collectors on loopback that behave as told: a real server, each request in a thread of its own."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Respond = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One POST; `events` are its lines, `number` counts requests from 1."""

    protocol_version = "HTTP/1.1"
    server: Collector
    events: list[Any]
    number: int

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = zlib.decompress(body, 31)
        self.body = body
        if self.headers["Content-Type"] == "application/x-ndjson":
            self.events = [json.loads(line) for line in body.splitlines()]
        with self.server.lock:
            self.server.requests.append(self)
            self.number = len(self.server.requests)
        self.server.respond(self)

    def answer(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take(self) -> None:
        """Takes the events, and says which it has already."""
        with self.server.lock:
            for event in self.events:
                self.server.taken.setdefault(tuple(event["event_id"]), []).append(event)
        self.answer(200, json.dumps({"accepted": len(self.events), "duplicate": 0, "rejected": []}).encode())

    def log_message(self, *args: object) -> None:
        """The tests say what they see."""


class Collector(ThreadingHTTPServer):
    """A server; `taken` are the events it said yes to, by event id, with every delivery of each."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, respond: Respond) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.respond = respond
        self.lock = threading.Lock()
        self.requests: list[Request] = []
        self.taken: dict[tuple[str, int], list[Any]] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what is tested."""


@contextmanager
def collector(respond: Respond = Request.take) -> Iterator[Collector]:
    server = Collector(respond)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
