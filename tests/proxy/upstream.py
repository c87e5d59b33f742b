"""A provider on loopback: speaks the API of each, and misbehaves where a request tells it to in `x-script`.

Words of the script: `gzip`, `br`, `zstd`, `deflate` (coding of the answer), `status=500`, `reject` (of
`stream_options`), `broken` (breaks off in the middle), `silent` (never answers), `slow` (waits for `let_go` in the
middle), `endless` (as long as somebody reads), `away` (redirects), `odd` (counts that cannot be true).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import brotli
import msgspec
from backports import zstd

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
CHAT = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "prompt_tokens_details": {"cached_tokens": 3}}
MESSAGE = {"input_tokens": 5, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 0, "output_tokens": 9}
GEMINI = {"promptTokenCount": 13, "candidatesTokenCount": 4, "thoughtsTokenCount": 2, "totalTokenCount": 19}
RESPONSE = {"input_tokens": 30, "output_tokens": 12, "total_tokens": 42,
            "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 8}}  # fmt: skip


class Request(msgspec.Struct):
    """What came in."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for found, value in self.headers if found.lower() == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def script(self) -> list[str]:
        return (self.header("x-script") or "").split()


class Provider:
    """The server; `url` is where it listens."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.release = asyncio.Event()
        """Set by `let_go`: what `slow` waits for."""

        self.broken_off = threading.Event()
        """Whether a client went away in the middle of an answer."""

        self.looks = 0
        """How often somebody asked for the response that is made in the background: at the third time it is."""

        self.sent = 0
        """Bytes of an endless answer that were sent."""

        self.loop = asyncio.new_event_loop()

    def let_go(self) -> None:
        self.loop.call_soon_threadsafe(self.release.set)

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _request(reader)) is not None:
                self.requests.append(request)
                await self._answer(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, _BrokenOffError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = request.script
        if "silent" in script:
            await asyncio.sleep(60)
        status = next((int(word[7:]) for word in script if word.startswith("status=")), 200)
        if "reject" in script and b"stream_options" in request.body:
            status = 400
        if "away" in script:
            await _send(writer, 307, b"", [("location", request.header("x-location") or "")])
        elif status != 200:
            await _send(writer, status, json.dumps(_error(status)).encode(), [("x-request-id", "req_failed")])
        elif request.method == "GET" and request.target.startswith("/v1/responses/resp_bg"):
            self.looks += 1
            made = "completed" if self.looks > 2 else "in_progress"
            await self._send_pieces(writer, *_json(_response("gpt-5", "resp_bg", made)), script)
        elif "endless" in script:
            await self._endless(writer)
        else:
            kind, pieces = _pieces(request)
            watch = asyncio.create_task(self._watch(reader))
            await self._send_pieces(writer, kind, pieces, script)
            watch.cancel()
            await asyncio.wait([watch])

    async def _send_pieces(
        self, writer: asyncio.StreamWriter, kind: str, pieces: list[bytes], script: list[str]
    ) -> None:
        headers = [("content-type", kind), ("x-request-id", "req_1"), ("x-hop", "1"), ("connection", "x-hop")]
        coding = next((word for word in script if word in CODINGS), None)
        if coding:
            headers.append(("content-encoding", coding))
            whole = CODINGS[coding](b"".join(pieces))
            pieces = [whole[: len(whole) // 2], whole[len(whole) // 2 :]]
        if len(pieces) == 1:
            await _send(writer, 200, pieces[0], headers)
            return
        _head(writer, 200, [*headers, ("transfer-encoding", "chunked")])
        for number, piece in enumerate(pieces):
            if number == len(pieces) // 2:
                if "broken" in script:
                    raise _BrokenOffError
                if "slow" in script:
                    await self.release.wait()
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        if await reader.read(1) == b"":
            self.broken_off.set()

    async def _endless(self, writer: asyncio.StreamWriter) -> None:
        _head(writer, 200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")])
        event = b"data: %b\n\n" % json.dumps({"choices": [{"delta": {"content": "x" * 16_000}}]}).encode()
        try:
            while True:
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                await writer.drain()
                self.sent += len(event)
        except ConnectionError:
            self.broken_off.set()
            raise


class _BrokenOffError(Exception):
    pass


@contextmanager
def provider() -> Iterator[Provider]:
    """A running provider."""
    it = Provider()

    async def main() -> None:
        server = await asyncio.start_server(it.serve_one, "127.0.0.1", 0, backlog=2048)
        it.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        started.set()
        await stopped.wait()
        server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # transports close at the next turn

    started, stopped = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=it.loop.run_until_complete, args=(main(),))
    thread.start()
    started.wait()
    try:
        yield it
    finally:
        it.loop.call_soon_threadsafe(stopped.set)
        thread.join()
        it.loop.close()


async def _request(reader: asyncio.StreamReader) -> Request | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers = []
    while (line := (await reader.readline()).rstrip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    request = Request(method, target, headers, b"")
    if request.header("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            request.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        request.body = await reader.readexactly(int(request.header("content-length") or 0))
    return request


def _head(writer: asyncio.StreamWriter, status: int, headers: list[tuple[str, str]]) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    writer.write(f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode())


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
    _head(writer, status, [*headers, ("content-length", str(len(body)))])
    writer.write(body)
    await writer.drain()


def _error(status: int) -> dict[str, Any]:
    return {"error": {"message": f"it is {status}", "type": "test", "code": None}}


def _pieces(request: Request) -> tuple[str, list[bytes]]:
    """The content type, and the body in the pieces in which it is sent."""
    path, odd = request.target.partition("?")[0], "odd" in request.script
    if request.method == "GET":
        return "application/json", [b'{"object": "list", "data": [], "path": "%b"}' % request.target.encode()]
    if path.endswith("/chat/completions"):
        return _chat(request.json, odd)
    if path.endswith("/responses"):
        return _responses(request.json)
    if path.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        usage = {"prompt_tokens": 8, "total_tokens": 8}
        return _json({"object": "list", "model": request.json["model"], "data": [vector], "usage": usage})
    if path.endswith("/messages"):
        return _messages(request.json)
    if ":" in path:
        return _gemini(path, sse="alt=sse" in request.target)
    return "application/octet-stream", [request.body]


def _json(body: dict[str, Any]) -> tuple[str, list[bytes]]:
    return "application/json", [json.dumps(body).encode()]


def _sse(*events: dict[str, Any], named: bool = False, last: bytes = b"") -> tuple[str, list[bytes]]:
    names = [f"event: {event['type']}\n".encode() if named else b"" for event in events]
    pieces = [b"%bdata: %b\n\n" % (name, json.dumps(event).encode()) for name, event in zip(names, events, strict=True)]
    return "text/event-stream", [*pieces, last] if last else pieces


def _chat(asked: dict[str, Any], odd: bool) -> tuple[str, list[bytes]]:
    usage = CHAT | {"prompt_tokens": -1} if odd else CHAT
    head = {"id": "chatcmpl-1", "created": 1, "model": asked["model"]}
    if not asked.get("stream"):
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
        return _json({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
    told = (asked.get("stream_options") or {}).get("include_usage")
    head |= {"object": "chat.completion.chunk"} | ({"usage": None} if told else {})
    deltas = [{"role": "assistant", "content": ""}, {"content": "hel"}, {"content": "lo"}]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if told:
        chunks.append({**head, "choices": [], "usage": usage})
    return _sse(*chunks, last=b"data: [DONE]\n\n")


def _response(model: str, name: str, status: str) -> dict[str, Any]:
    text = {"type": "output_text", "text": "hello", "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    usage, output = (RESPONSE, [message]) if status == "completed" else (None, [])
    return {"id": name, "object": "response", "created_at": 1, "model": model, "status": status, "output": output,
            "usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # fmt: skip


def _responses(asked: dict[str, Any]) -> tuple[str, list[bytes]]:
    whole = _response(asked["model"], "resp_1", "completed")
    if asked.get("background"):
        return _json(_response(asked["model"], "resp_bg", "queued"))
    if not asked.get("stream"):
        return _json(whole)
    begun = _response(asked["model"], "resp_1", "in_progress")
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return _sse(
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.output_text.delta", "sequence_number": 1, **place, "delta": "hello", "logprobs": []},
        {"type": "response.completed", "sequence_number": 2, "response": whole},
        named=True,
    )


def _messages(asked: dict[str, Any]) -> tuple[str, list[bytes]]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "stop_sequence": None}
    block = {"type": "text", "text": "hello"}
    if not asked.get("stream"):
        return _json({**head, "stop_reason": "end_turn", "content": [block], "usage": MESSAGE})
    begun = {**head, "stop_reason": None, "content": [], "usage": MESSAGE | {"output_tokens": 1}}
    return _sse(
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
         "usage": {"output_tokens": MESSAGE["output_tokens"]}},
        {"type": "message_stop"},
        named=True,
    )  # fmt: skip


def _gemini(path: str, *, sse: bool) -> tuple[str, list[bytes]]:
    if path.endswith(("embedContent", "batchEmbedContents")):
        return _json({"embeddings": [{"values": [0.5]}], "usageMetadata": {"promptTokenCount": 6}})
    parts = [{"text": "hello"}]
    model = path.rpartition("/")[2].partition(":")[0]
    whole = {"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}],
             "usageMetadata": GEMINI, "modelVersion": model, "responseId": "r1"}  # fmt: skip
    if "stream" not in path:
        return _json(whole)
    first = {"candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}], "modelVersion": model,
             "usageMetadata": {"promptTokenCount": 13, "totalTokenCount": 13}, "responseId": "r1"}  # fmt: skip
    if sse:
        return _sse(first, whole)
    return "application/json", [b"[" + json.dumps(first).encode(), b",\r\n" + json.dumps(whole).encode(), b"]"]
