"""What the proxy adds: time to the first byte, CPU a request, and memory with many streams at once.

    python benchmarks/proxy.py [requests] [streams] [seconds]

A model on loopback answers with a stream of chat chunks; a client asks it directly and through the proxy by turns, on
connections that are kept. Then so many streams of 5 chunks a second are open at once, and the largest memory of the
proxy's process is read. Times of a busy machine say little: the CPU time of the proxy a request is given beside them.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

CHUNK = json.dumps(
    {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5", "usage": None,
     "choices": [{"index": 0, "delta": {"content": "five words of an answer "}, "finish_reason": None}]}
)  # fmt: skip
USAGE = CHUNK.replace('"usage": null', '"usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}')
LAST = CHUNK.replace('"finish_reason": null', '"finish_reason": "stop"')
BODY = json.dumps({"model": "gpt-5", "stream": True, "messages": [{"role": "user", "content": "what? " * 200}]})
PAUSE = 0.2
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def piece(text: str) -> bytes:
    data = f"data: {text}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


END = piece(LAST) + piece(USAGE.replace('"choices": [', '"choices": [], "was": [')) + piece("[DONE]") + b"0\r\n\r\n"


async def serve_model() -> None:
    """Answers every request with as many chunks, 0.2 s apart, as its header `x-chunks` says; at once if it is 0."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
                await reader.readexactly(int(fields[b"content-length"]))
                writer.write(HEAD + piece(CHUNK))
                for _ in range(int(fields.get(b"x-chunks", b"0"))):
                    await asyncio.sleep(PAUSE)
                    writer.write(piece(CHUNK))
                writer.write(END)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def request(path: str, chunks: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-chunks: {chunks}\r\nauthorization: Bearer sk-none\r\n"
    return f"{head}content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n{BODY}".encode()


class Asker:
    """One connection that is kept."""

    def __init__(self, port: int, path: str) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = request(path, 0)

    def first_byte(self) -> float:
        """Milliseconds to the first byte of the answer's body; reads it to its end."""
        began = time.perf_counter()
        self.connection.sendall(self.request)
        got = b""
        while b"data: " not in got:
            got += self.connection.recv(65536)
        taken = time.perf_counter() - began
        while not got.endswith(b"0\r\n\r\n"):
            got += self.connection.recv(65536)
        return taken * 1000


def cpu(pid: int) -> float:
    """Milliseconds of CPU, user and system, of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def memory(pid: int, name: str) -> float:
    """MB of `VmRSS` (now) or `VmHWM` (at most) of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


async def many_streams(port: int, path: str, count: int, chunks: int) -> tuple[int, list[float]]:
    """How many streams came whole, and how late in milliseconds each chunk came behind the one before it."""
    late: list[float] = []

    async def one(number: int) -> int:
        await asyncio.sleep(number / count * 5)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(path, chunks))
        got, before = 0, 0.0
        while (line := await reader.readline()) != b"0\r\n":
            if line.startswith(b"data: ") and b"[DONE]" not in line:
                now = time.perf_counter()
                if 0 < got <= chunks:
                    late.append((now - before - PAUSE) * 1000)
                got, before = got + 1, now
        writer.close()
        return got in (chunks + 2, chunks + 3)  # the proxy hides the chunk with the usage

    return sum(await asyncio.gather(*map(one, range(count)))), late


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def main(requests: int, streams: int, seconds: float) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([sys.executable, __file__, "model"], stdout=subprocess.PIPE, text=True) as model,
    ):
        assert model.stdout is not None
        port = int(model.stdout.readline())
        command = [sys.executable, "-m", "taximeter", "proxy", "--json", "--output-dir", folder]
        upstream = f"--upstream=openai=http://127.0.0.1:{port}/v1"
        with subprocess.Popen([*command, upstream], stdout=subprocess.PIPE, text=True) as proxy:
            assert proxy.stdout is not None
            own = urlsplit(json.loads(proxy.stdout.readline())["address"]).port or 0
            measure(port, own, proxy.pid, requests, streams, int(seconds / PAUSE))
            proxy.terminate()
        model.terminate()


def measure(port: int, own: int, pid: int, requests: int, streams: int, chunks: int) -> None:
    direct, through = Asker(port, "/v1/chat/completions"), Asker(own, "/openai/v1/chat/completions")
    for _ in range(50):
        direct.first_byte()
        through.first_byte()
    before = cpu(pid)
    times = [(direct.first_byte(), through.first_byte()) for _ in range(requests)]
    spent = (cpu(pid) - before) / requests
    a, b = ([pair[side] for pair in times] for side in (0, 1))
    added = [y - x for x, y in times]
    print(f"first byte, ms    median   95 %   fastest   ({requests} requests, load {os.getloadavg()[0]:.1f})")
    for name, values in (("direct", a), ("proxy", b), ("added", added)):
        print(f"{name:<16} {statistics.median(values):7.2f} {percentile(values, 0.95):6.2f} {min(values):9.2f}")
    print(f"CPU of the proxy a request: {spent:.2f} ms")
    idle, before = memory(pid, "VmRSS"), cpu(pid)
    for name, there, path in (("direct", port, "/v1"), ("proxy", own, "/openai/v1")):
        began = time.perf_counter()
        whole, late = asyncio.run(many_streams(there, f"{path}/chat/completions", streams, chunks))
        wall, gap = time.perf_counter() - began, PAUSE * 1000 + statistics.mean(late)
        print(f"{name}: {whole} of {streams} streams whole in {wall:.0f} s, a chunk each {gap:.0f} ms")
    each = (cpu(pid) - before) / (streams * (chunks + 1)) * 1000
    print(f"memory of the proxy: {idle:.0f} MB idle, {memory(pid, 'VmHWM'):.0f} MB at most; CPU a chunk: {each:.0f} µs")


if __name__ == "__main__":
    if sys.argv[1:] == ["model"]:
        asyncio.run(serve_model())
    else:
        main(*(int(text) for text in [*sys.argv[1:], "500", "1000", "20"][:3]))
