"""What capturing a call costs: ours, and the instrumentors of others, beside the bare SDK.

    python benchmarks/capture.py [calls] [rounds]
    python benchmarks/capture.py turns [blocks]
    python benchmarks/capture.py memory [calls]

Each candidate makes chats with the SDK of OpenAI against a server on loopback, in a process of its own; rounds take
turns. Printed are microseconds of CPU time of the calling process for a call, all its threads, and what is over the
bare SDK: medians of the rounds and (of the least). Spans of the others go to an exporter that drops them, calls of ours
to a file. The instrumentors are installed into an environment of their own, which is made anew, and all candidates run
there. `turns` takes our hooks out and puts them in again in one
process, block by block: what they add; `memory` does so call by call, with answers that come from memory, and is the
least disturbed by other work: a core that waits for a network is given to others, who leave its caches cold.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from environments import python_with

PEERS = ("openinference-instrumentation-openai", "opentelemetry-instrumentation-openai", "logfire")
ROOT = Path(__file__).parent.parent
USAGE = {"prompt_tokens": 1200, "completion_tokens": 80, "total_tokens": 1280}
TEXT = "It takes two to tango, and three to know who leads. " * 8
HEAD = {"id": "chatcmpl-1", "created": 1_767_225_600, "model": "gpt-5"}
ASK: dict[str, Any] = {"model": "gpt-5", "messages": [{"role": "user", "content": "What does it take?"}]}
CHUNKS = 20
BLOCK = 20
Finish = Callable[[], object]


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _answer() -> bytes:
    message = {"role": "assistant", "content": TEXT}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    body = _json({**HEAD, "object": "chat.completion", "choices": choices, "usage": USAGE})
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def _stream() -> bytes:
    head = {**HEAD, "object": "chat.completion.chunk"}
    deltas = [{"index": 0, "delta": {"content": TEXT[:20]}, "finish_reason": None}] * CHUNKS
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    events = [{**head, "choices": [choice]} for choice in [*deltas, last]] + [{**head, "choices": [], "usage": USAGE}]
    body = b"".join(b"data: " + _json(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(body) + body


class _Server(asyncio.Protocol):
    answers = (_answer(), _stream())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if blank and len(body) >= int(length or 0):
            self.received = b""
            self.transport.write(self.answers[b'"stream":true' in body])  # type: ignore[attr-defined]


async def serve() -> None:
    """Answers until nobody reads its port any more."""
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


@contextmanager
def _served() -> Iterator[str]:
    """The port of a server in a process of its own."""
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def bare(_: str) -> Finish:
    return lambda: None


def ours(folder: str) -> Finish:
    import taximeter

    taximeter.enable(sink=f"jsonl:{folder}/events.jsonl")
    taximeter.instrument()
    return taximeter.disable


def ours_off(_: str) -> Finish:
    """The hooks are in, and nobody records."""
    import taximeter

    taximeter.instrument()
    return lambda: None


def _provider() -> Any:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Dropping(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Dropping()))
    return provider


def openinference(_: str) -> Finish:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    provider = _provider()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    return provider.shutdown


def traceloop(_: str) -> Finish:
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    provider = _provider()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    return provider.shutdown


def logfire(_: str) -> Finish:
    import logfire

    logfire.configure(send_to_logfire=False, console=False)
    logfire.instrument_openai()
    return logfire.shutdown


CANDIDATES = (bare, ours, ours_off, openinference, traceloop, logfire)


def measure(name: str, port: str, calls: int) -> None:
    """One round of one candidate, in this process: prints microseconds a chat and a streamed chat."""
    import openai

    candidate = next(candidate for candidate in CANDIDATES if candidate.__name__ == name)
    with tempfile.TemporaryDirectory() as folder:
        finish = candidate(folder)
        create = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1").chat.completions.create

        def chat() -> None:
            create(**ASK)

        def stream() -> None:
            for _ in create(**ASK, stream=True):
                pass

        found = [_microseconds(act, calls) for act in (chat, stream)]
        finish()
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # some of the candidates take long to say goodbye


def _microseconds(act: Callable[[], None], calls: int) -> float:
    """CPU time of one: the lower quartile of blocks, since in the others the machine did something else as well."""
    blocks = []
    for _ in range(max(calls // BLOCK, 8)):
        began = time.process_time()
        for _ in range(BLOCK):
            act()
        blocks.append((time.process_time() - began) / BLOCK * 1e6)
    return statistics.quantiles(blocks[1:], n=4)[0]


def turns(port: str, blocks: int) -> None:
    """Prints what the hooks add to a chat, while nobody records and while a file is written."""
    import openai

    import taximeter

    create = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1").chat.completions.create
    bare, hooked = _functions()

    def block(functions: dict[str, Any]) -> float:
        _use(functions)
        began = time.process_time()
        for _ in range(BLOCK):
            create(**ASK)
        return (time.process_time() - began) / BLOCK * 1e6

    with tempfile.TemporaryDirectory() as folder:
        for what in ("nobody records", "a file is written"):
            pairs = [(block(bare), block(hooked)) for _ in range(blocks)]
            without, with_hooks = (statistics.quantiles(figures, n=4) for figures in zip(*pairs, strict=True))
            quarter, median = with_hooks[0] - without[0], with_hooks[1] - without[1]
            print(f"  {what:<18} added {median:6.1f} (lower quartile {quarter:.1f})")
            taximeter.enable(sink=f"jsonl:{folder}/events.jsonl")
        taximeter.disable()


def _functions() -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of the SDK that are hooked, as they were and as they are."""
    import openai

    import taximeter

    taximeter.instrument()
    client: Any = openai._base_client.SyncAPIClient
    hooked = {name: client.__dict__[name] for name in ("request", "_process_response")}
    return {name: hook.__wrapped__ for name, hook in hooked.items()}, hooked


def _use(functions: dict[str, Any]) -> None:
    import openai

    for name, function in functions.items():
        setattr(openai._base_client.SyncAPIClient, name, function)


def memory(calls: int) -> None:
    """Prints what the hooks add to a chat whose answer comes from memory, with and without them in turns."""
    import httpx2
    import openai

    import taximeter

    body = _answer().partition(b"\r\n\r\n")[2]

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=body)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    create = openai.OpenAI(api_key="none", base_url="http://127.0.0.1/v1", http_client=client).chat.completions.create
    bare, hooked = _functions()

    def one(functions: dict[str, Any]) -> float:
        _use(functions)
        create(**ASK)
        began = time.process_time_ns()
        create(**ASK)
        return (time.process_time_ns() - began) / 1e3

    with tempfile.TemporaryDirectory() as folder:
        for what in ("nobody records", "a file is written"):
            pairs = [(one(bare), one(hooked)) for _ in range(calls)]
            without, with_hooks = (statistics.quantiles(figures, n=10) for figures in zip(*pairs, strict=True))
            tenth, median = with_hooks[0] - without[0], with_hooks[4] - without[4]
            print(f"  {what:<18} added {tenth:6.1f} (median {median:.1f}) to {without[0]:.1f}")
            taximeter.enable(sink=f"jsonl:{folder}/events.jsonl")
        taximeter.disable()


def _install(folder: Path) -> Path:
    """Python of an environment with the peers, and with the same SDK as here; gives its path."""
    import openai

    return python_with(folder, *PEERS, f"openai=={openai.__version__}", "--editable", str(ROOT))


def main(calls: int, rounds: int) -> None:
    """Prints the table."""
    found: dict[str, list[list[float]]] = {candidate.__name__: [] for candidate in CANDIDATES}
    with tempfile.TemporaryDirectory() as folder, _served() as port:
        python = _install(Path(folder))
        for _ in range(rounds):
            for name in list(found):
                one = [python, __file__, "measure", name, port, str(calls)]
                done = subprocess.run(one, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                if done.returncode:
                    print(f"{name}: left out, it cannot run here")
                    del found[name]
                else:
                    found[name].append(json.loads(done.stdout))
    for number, what in enumerate(("a chat", f"a streamed chat of {CHUNKS + 1} chunks")):
        print(what)
        floor = [figures[number] for figures in found["bare"]]
        for name, rounds_of_it in found.items():
            used = [figures[number] for figures in rounds_of_it]
            added = [mine - base for mine, base in zip(used, floor, strict=True)]
            figures = [statistics.median(used), min(used), statistics.median(added), min(used) - min(floor)]
            print("  {:<14} {:8.1f} ({:.1f})  added {:7.1f} ({:.1f})".format(name, *figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve())
    elif sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1:2] == ["turns"]:
        with _served() as here:
            turns(here, int(sys.argv[2]) if sys.argv[2:] else 60)
    elif sys.argv[1:2] == ["memory"]:
        memory(int(sys.argv[2]) if sys.argv[2:] else 2000)
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 1000, int(sys.argv[2]) if sys.argv[2:] else 7)
