"""A server on loopback that answers as OpenAI, Anthropic, Google, Amazon and Mistral do.

The header `x-case` says what is odd.

`gzip`: the answer is packed. `fail:500:2`: the first two tries fail like that, `fail:500:99` all of them.
`break:3`: the connection breaks after so many events. `silent`: no usage. `tells`: a stream has it unasked.
`no-stream-options`: asking for the usage of a stream is refused. `html`: an answer that is no JSON. `slow`: it never
comes.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.capture import answers

BACKGROUND = {"background": True, "id": "resp_background"}


class Refused(Exception):
    """The answer is an error."""

    def __init__(self, status: int, message: str = "no") -> None:
        self.status = status
        self.message = message


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen: list[tuple[str, dict[str, Any]]] = []
        """Path and body of every request."""

        self.tries: Counter[str] = Counter()
        self.clients: list[Any] = []
        """Clients that are closed after the test, and not by the garbage collector in the middle of another one."""

        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()

    def keep(self, client: Any) -> Any:
        """The client, which is closed after the test."""
        self.clients.append(client)
        return client

    def forget(self) -> None:
        """Closes the clients of a test."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        self.seen.clear()
        self.tries.clear()

    def stop(self) -> None:
        self.forget()
        self.released.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who leaves in the middle is no news."""


def _model(path: str) -> str:
    return path.rpartition("/")[2].partition(":")[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        # Of a form with files no test asks for more than whether its answer is a stream.
        form = {"stream": True} if b'name="stream"' in data else {}
        self._answer(json.loads(data) if data.startswith(b"{") else form)

    def _answer(self, body: dict[str, Any]) -> None:
        path = self.path.partition("?")[0]
        self.server.seen.append((path, body))
        self.case = self.headers.get("x-case", "")
        try:
            self._refuse(body)
            self._find(path, body)
        except Refused as refused:
            error = {"message": refused.message, "type": "t", "code": refused.status, "status": "INTERNAL"}
            self._json({"type": "error", "error": error}, refused.status)

    def _refuse(self, body: dict[str, Any]) -> None:
        if match := re.match(r"fail:(\d+):(\d+)", self.case):
            self.server.tries[self.case] += 1
            if self.server.tries[self.case] <= int(match[2]):
                raise Refused(int(match[1]))
        if self.case == "no-stream-options" and "stream_options" in body:
            raise Refused(400, "unknown field stream_options")
        if self.case == "slow":
            self.server.released.wait(20)
            raise ConnectionError

    def _find(self, path: str, body: dict[str, Any]) -> None:
        if self.case == "html":
            self._send(b"<html>", "text/html")
            return
        model = body.get("model", "")
        if path.endswith("/chat/completions"):
            asked = (body.get("stream_options") or {}).get("include_usage") or self.case == "tells"
            wants = self.case != "silent" and asked
            if body.get("stream"):
                chunks = answers.chat_chunks(model, answers.CHAT_USAGE if wants else None)
                self._stream(answers.sse(chunks, done=True))
            else:
                self._json(answers.chat(model, None if self.case == "silent" else answers.CHAT_USAGE))
        elif path.endswith(("/fim/completions", "/agents/completions")):
            if body.get("stream"):
                self._stream(answers.sse(answers.chat_chunks(model, answers.CHAT_USAGE), done=True))
            else:
                self._json(answers.chat(model, answers.CHAT_USAGE))
        elif path.endswith("/completions"):
            self._json(answers.completion(model))
        elif "/responses/" in path:
            self._json(answers.response("m", **BACKGROUND))
        elif path.endswith("/responses"):
            if body.get("background"):
                self._json(answers.response(model, "queued", **BACKGROUND))
            elif body.get("stream"):
                self._stream(answers.sse(answers.response_events(model), named=True))
            else:
                self._json(answers.response(model or "m"))
        elif path.endswith("/content") or path.endswith("/results"):
            self._send(answers.results(path.endswith("/content")), "application/octet-stream")
        elif "/messages/batches/" in path:
            self._json(answers.batch(self.server.url + path))
        elif "/batches/" in path:
            self._json(answers.gemini_batch())
        elif path.endswith("/messages"):
            if body.get("stream"):
                self._stream(answers.sse(answers.message_events(model), named=True))
            else:
                self._json(answers.message(model))
        elif path.endswith(("/invoke", ":rawPredict")):
            self._json(answers.message(_model(path.removesuffix("/invoke"))))
        elif path.endswith("/invoke-with-response-stream"):
            pieces = answers.frames(answers.message_events("c"))
            if self.case == "throttled":
                pieces = [*pieces[:4], answers.THROTTLED]
            self._stream(pieces, "application/vnd.amazon.eventstream")
        elif path.endswith(":streamRawPredict"):
            self._stream(answers.sse(answers.message_events(_model(path)), named=True))
        elif "/images/" in path:
            if "stream" in body:
                self._stream(answers.sse(answers.image_events(path.endswith("/edits")), named=True))
            else:
                usage = {} if self.case == "silent" else {"usage": answers.IMAGE_USAGE}
                self._json({"created": 1, "data": [{"b64_json": "AA=="}], **usage})
        elif path.endswith("/speech"):
            self._send(b"\xff\xf3sound", "audio/mpeg")
        elif "/audio/" in path:
            if body.get("stream"):
                self._stream(answers.sse(answers.transcript_events()))
            else:
                by_length = {"type": "duration", "seconds": 9.2}
                usage = by_length if self.case == "by-length" else answers.TRANSCRIPT_USAGE
                self._json({"text": answers.TEXT, "usage": usage})
        elif "/conversations" in path:
            if body.get("stream"):
                self._stream(answers.sse(answers.conversation_events(), named=True))
            else:
                self._json(answers.conversation())
        elif path.endswith("/ocr"):
            self._json(answers.pages(model))
        elif path.endswith("/embeddings"):
            self._json(answers.embeddings(model, 1))
        elif path.endswith(":generateContent"):
            self._json(answers.candidates(_model(path), answers.GEMINI_USAGE))
        elif path.endswith(":streamGenerateContent"):
            self._stream(answers.sse(answers.candidates_chunks(_model(path))))
        elif path.endswith((":batchEmbedContents", ":embedContent")):
            self._json(answers.gemini_embeddings(len(body["requests"])))
        elif path.endswith(":predict"):
            self._json(answers.vertex_embeddings(len(body["instances"])))
        elif path.endswith(":download"):
            self._send(answers.gemini_results(), "application/jsonl")
        elif path.endswith("/models"):
            self._json({"object": "list", "data": []})
        else:
            raise Refused(404, path)

    def _json(self, answer: dict[str, Any], status: int = 200) -> None:
        self._send(json.dumps(answer).encode(), "application/json", status)

    def _send(self, data: bytes, kind: str, status: int = 200) -> None:
        self._head(status, kind)
        if self.case == "gzip":
            data = gzip.compress(data)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _head(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("x-request-id", "req-1")
        self.send_header("request-id", "req-1")
        self.send_header("retry-after-ms", "1")
        if self.case == "gzip":
            self.send_header("content-encoding", "gzip")

    def _stream(self, pieces: list[bytes], kind: str = "text/event-stream") -> None:
        self._head(200, kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        if self.case == "gzip":
            pieces = [gzip.compress(b"".join(pieces))]
        last = int(self.case.removeprefix("break:")) if self.case.startswith("break:") else len(pieces)
        for piece in pieces[:last]:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        if last < len(pieces):
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")
