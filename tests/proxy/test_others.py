"""Programs that are not Python, and many of them at once."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.proxy.conftest import Running, Start
from tests.proxy.upstream import Provider

NODE = """
const base = process.argv[1];
const headers = { "content-type": "application/json", authorization: "Bearer sk-node" };
const post = (url, body) => fetch(base + url, { method: "POST", headers, body: JSON.stringify(body) });
let answer = await post("/s/node/openai/v1/chat/completions", { model: "gpt-5", messages: [] });
const whole = (await answer.json()).choices[0].message.content;
answer = await post("/s/stream/openai/v1/chat/completions", { model: "gpt-5", messages: [], stream: true });
let text = "";
for await (const piece of answer.body) text += new TextDecoder().decode(piece);
const events = text.split("\\n\\n").filter((line) => line.startsWith("data: {"));
const streamed = events.map((line) => JSON.parse(line.slice(6)).choices[0].delta.content ?? "").join("");
answer = await post("/s/claude/anthropic/v1/messages", { model: "claude-x", messages: [] });
const claude = (await answer.json()).content[0].text;
answer = await post("/s/gemini/gemini/v1beta/models/gemini-x:generateContent", { contents: [] });
const gemini = (await answer.json()).candidates[0].content.parts[0].text;
console.log(JSON.stringify([whole, streamed, claude, gemini]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="apt-get install nodejs")
def test_a_program_of_node(proxy: Running) -> None:
    command = ["node", "--input-type=module", "-e", NODE, proxy.address]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["hello"] * 4
    used = {call.stage_id: (call.usage.input_tokens, call.usage.output_tokens) for call in proxy.calls()}
    assert used == {"node": (11, 7), "stream": (11, 7), "claude": (25, 9), "gemini": (13, 6)}


@pytest.mark.skipif(shutil.which("curl") is None, reason="apt-get install curl")
def test_curl_in_all_its_ways(proxy: Running, upstream: Provider) -> None:
    url = f"{proxy.address}/openai/v1/chat/completions"
    plain = ["curl", "--silent", "--show-error", "--fail", "-H", "content-type: application/json"]
    body = json.dumps({"model": "gpt-5", "messages": []})
    stream = json.dumps({"model": "gpt-5", "messages": [], "stream": True})
    large = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "x" * 200_000}]})
    for arguments, given, expected in (
        (["-d", body], None, '"content": "hello"'),
        (["-N", "-d", stream], None, "data: [DONE]"),
        (["--compressed", "-H", "x-script: gzip", "-d", body], None, '"content": "hello"'),
        (["--compressed", "-H", "x-script: br", "-d", stream], None, "data: [DONE]"),
        (["-H", "Transfer-Encoding: chunked", "--data-binary", "@-"], large, '"content": "hello"'),
        (["-H", "Expect: 100-continue", "--data-binary", "@-"], large, '"content": "hello"'),
        (["--http1.0", "-d", body], None, '"content": "hello"'),
        (["--http1.0", "-d", stream], None, "data: [DONE]"),
        (["--http2", "-d", body], None, None),  # asks for an upgrade, which is refused
    ):
        done = subprocess.run([*plain, *arguments, url], input=given, capture_output=True, text=True)
        if expected is None:
            assert done.returncode == 22, done.stderr
        else:
            assert (done.returncode, expected in done.stdout) == (0, True), f"{arguments[:2]} {done.stderr}"
    assert json.loads(upstream.requests[4].body)["messages"][0]["content"] == "x" * 200_000
    assert [call.usage.output_tokens for call in proxy.calls()] == [7] * 8


def streams(proxy: Running, upstream: Provider, count: int) -> int:
    """So many streams at once, all of which wait in the middle until the last one is there; how many came whole."""
    place = urlsplit(proxy.address)
    body = json.dumps({"model": "gpt-5", "stream": True})
    head = "POST /s/many/openai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-script: slow\r\nConnection: close"
    request = f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    async def one(begun: asyncio.Semaphore, turn: asyncio.Semaphore) -> bool:
        async with turn:
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(request)
            first = await reader.readuntil(b'"hel"')
        begun.release()
        whole = first + await reader.read()
        writer.close()
        return whole.endswith(b"0\r\n\r\n") and b"[DONE]" in whole

    async def all_of_them() -> int:
        begun, turn = asyncio.Semaphore(0), asyncio.Semaphore(100)
        tasks = [asyncio.create_task(one(begun, turn)) for _ in range(count)]
        for _ in range(count):
            await begun.acquire()
        upstream.let_go()
        return sum(await asyncio.gather(*tasks))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_streams_at_once(count: int, start: Start, upstream: Provider) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The proxy begins with few; not this process, which may have more open already.
    proxy = start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard)))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    assert streams(proxy, upstream, count) == count
    status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    megabytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    assert megabytes < 300
    calls = proxy.calls()
    assert len(calls) == count
    assert {(call.status, call.usage.input_tokens, call.usage.output_tokens) for call in calls} == {("done", 11, 7)}
