"""Streamed chats are made to tell their usage, and the client sees nothing of it."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.proxy.conftest import Running, Start
from tests.proxy.upstream import Provider

CHAT = "/openai/v1/chat/completions"


def stream(proxy: Running, script: str = "", path: str = CHAT, **body: Any) -> bytes:
    headers = {"x-script": script, "accept-encoding": "gzip, br"}
    with httpx.stream(
        "POST", f"{proxy.address}{path}", json={"model": "gpt-5", "stream": True, **body}, headers=headers
    ) as response:
        assert response.status_code == 200
        assert "content-encoding" not in response.headers or script == ""
        return b"".join(response.iter_raw())


def test_a_stream_is_asked_for_its_usage_and_the_chunk_is_hidden(proxy: Running, upstream: Provider) -> None:
    got = stream(proxy, stream_options={"include_obfuscation": False}, seed=1)
    [request] = upstream.requests
    assert request.json == {
        "model": "gpt-5",
        "stream": True,
        "stream_options": {"include_obfuscation": False, "include_usage": True},
        "seed": 1,
    }
    assert got.endswith(b"data: [DONE]\n\n")
    chunks = [json.loads(part[6:]) for part in got.split(b"\n\n")[:-2]]
    assert len(chunks) == 4
    assert all(chunk["choices"] for chunk in chunks)
    [call] = proxy.calls()
    assert (call.usage.input_tokens, call.usage.output_tokens, call.status) == (11, 7, "done")


def test_the_chunk_is_hidden_in_an_answer_that_is_compressed_all_the_same(proxy: Running) -> None:
    for coding in ("gzip", "br", "zstd"):
        got = stream(proxy, script=coding)
        assert got.count(b"data: ") == 5
        assert got.endswith(b"data: [DONE]\n\n")
    assert [call.usage.output_tokens for call in proxy.calls()] == [7, 7, 7]


def test_a_server_that_rejects_the_question_is_asked_once_more_without_and_remembered(
    proxy: Running, upstream: Provider
) -> None:
    for _ in range(2):
        assert stream(proxy, script="reject").count(b"data: ") == 5
    assert [b"include_usage" in request.body for request in upstream.requests] == [True, False, False]
    stream(proxy, path="/other/v1/chat/completions")
    assert b"include_usage" in upstream.requests[-1].body, "another server is asked"
    stream(proxy, model="another")
    assert b"include_usage" in upstream.requests[-1].body, "so is another model, which may be behind the same address"
    assert [call.usage_source for call in proxy.calls()] == ["missing", "missing", "provider", "provider"]


def test_a_request_that_is_wrong_for_another_reason_is_no_reason_to_remember(
    proxy: Running, upstream: Provider
) -> None:
    url, body = f"{proxy.address}{CHAT}", {"model": "gpt-5", "stream": True}
    assert httpx.post(url, json=body, headers={"x-script": "status=400"}).json()["error"]["message"] == "it is 400"
    stream(proxy)
    asked = [b"include_usage" in request.body for request in upstream.requests]
    assert asked == [True, False, True]
    assert [call.status for call in proxy.calls()] == ["failed", "done"]


def test_nobody_is_asked_where_it_is_off_or_makes_no_sense(start: Start, upstream: Provider) -> None:
    silent = start("--no-ask-usage")
    stream(silent)
    stream(start(environment={"TAXIMETER_ASK_USAGE": "0"}))
    proxy = start(f"--upstream=mistral={upstream.url}")
    stream(proxy, stream_options={"include_usage": True})
    stream(proxy, stream_options={"include_usage": False})
    stream(proxy, path="/mistral/v1/chat/completions")
    httpx.post(f"{proxy.address}{CHAT}", json={"model": "gpt-5"})
    asked = [request.json.get("stream_options") for request in upstream.requests]
    assert asked == [None, None, {"include_usage": True}, {"include_usage": False}, None, None]
    assert [call.usage_source for call in silent.calls()] == ["missing"]
