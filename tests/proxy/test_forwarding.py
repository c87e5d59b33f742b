"""What goes through the proxy is what was sent: bodies byte by byte, headers but for those of the next hop."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.proxy.conftest import Running, Start, totals
from tests.proxy.upstream import CODINGS, Provider

BODY = b'{ "model":"gpt-5",\n "messages":[{"role":"user","content":"\\u00fc \xc3\xa9 1.0"}], "temperature": 1.00 }'
GEMINI = "/gemini/v1beta/models/gemini-x:streamGenerateContent"
CASES: list[tuple[str, Any]] = [
    ("/openai/v1/chat/completions", {"model": "gpt-5", "messages": []}),
    ("/openai/v1/chat/completions", {"model": "gpt-5", "stream": True, "stream_options": {"include_usage": True}}),
    ("/openai/v1/responses", {"model": "gpt-5", "stream": True}),
    ("/openai/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}),
    ("/anthropic/v1/messages", {"model": "claude-x", "stream": True}),
    (GEMINI, {"contents": []}),
    (f"{GEMINI}?alt=sse", {"contents": []}),
]
USED = [(11, 7), (11, 7), (30, 12), (8, None), (25, 9), (13, 6), (13, 6)]


def test_a_request_arrives_byte_by_byte(proxy: Running, upstream: Provider) -> None:
    headers = {
        "Authorization": "Bearer sk-x",
        "X-Own": "a",
        "Content-Type": "application/json",
        "Connection": "x-drop",
        "X-Drop": "1",
        "Keep-Alive": "5",
        "TE": "trailers",
        "x-taximeter-stage": "s",
        "Expect": "100-continue",
    }
    httpx.post(f"{proxy.address}/openai/v1/chat/completions?a=%2F&b=c", content=BODY, headers=headers)
    [request] = upstream.requests
    assert (request.method, request.target, request.body) == ("POST", "/v1/chat/completions?a=%2F&b=c", BODY)
    assert request.header("authorization") == "Bearer sk-x"
    assert request.header("x-own") == "a"
    assert request.header("host") == upstream.url.removeprefix("http://")
    assert request.header("user-agent") == httpx.Client().headers["user-agent"], "the client's own"
    gone = ("connection", "x-drop", "keep-alive", "te", "x-taximeter-stage", "expect", "transfer-encoding")
    assert [name for name in gone if request.header(name) is not None] == []


def test_a_body_in_pieces_arrives_whole(proxy: Running, upstream: Provider) -> None:
    pieces = [b'{"model":"gpt-5",', b'"messages":[]}']
    assert httpx.post(f"{proxy.address}/openai/v1/chat/completions", content=iter(pieces)).status_code == 200
    assert httpx.post(f"{proxy.address}/openai/v1/files", content=iter(pieces)).content == b"".join(pieces)
    assert [request.body for request in upstream.requests] == [b"".join(pieces)] * 2


def test_an_answer_arrives_byte_by_byte_and_is_read(start: Start, upstream: Provider) -> None:
    proxy, hop = start("--no-ask-usage"), ("connection", "x-hop", "transfer-encoding")
    for coding in ("", *CODINGS):
        headers = {"x-script": coding, "accept-encoding": coding or "identity"}
        for path, body in CASES:
            name, rest = path[1:].split("/", 1)
            told = []
            for url in (f"{upstream.url}/{rest}", f"{proxy.address}/{name}/{rest}"):
                with httpx.stream("POST", url, json=body, headers=headers) as response:
                    end_to_end = [pair for pair in response.headers.multi_items() if pair[0] not in hop]
                    told.append((response.status_code, b"".join(response.iter_raw()), end_to_end))
            assert told[0] == told[1], (coding, path)
    used = [(call.usage.input_tokens, call.usage.output_tokens) for call in proxy.calls()]
    assert used == USED * (1 + len(CODINGS))


def test_a_coding_that_nobody_knows_is_passed_on_and_its_usage_is_missing(proxy: Running, upstream: Provider) -> None:
    """As is a body that is not in the coding that it names."""
    from tests.proxy import upstream as module

    CODINGS["rot13"] = CODINGS["gzip"]
    CODINGS["zstd"], real = CODINGS["gzip"], CODINGS["zstd"]
    try:
        for coding in ("rot13", "zstd"):
            with httpx.stream(
                "POST",
                f"{proxy.address}/openai/v1/chat/completions",
                json={"model": "gpt-5"},
                headers={"x-script": coding},
            ) as response:
                assert module.gzip.decompress(b"".join(response.iter_raw())).startswith(b'{"id"')
    finally:
        del CODINGS["rot13"]
        CODINGS["zstd"] = real
    unknown, wrong = proxy.calls()
    assert (unknown.status, unknown.usage_source) == ("done", "missing")
    assert unknown.meta == {"unreadable": "content coding 'rot13'"}
    assert (wrong.status, wrong.usage_source) == ("done", "missing")
    assert totals(proxy.run).missing_usage_calls == 2


def test_what_is_no_call_is_forwarded_and_not_written_down(proxy: Running, upstream: Provider) -> None:
    models = httpx.get(f"{proxy.address}/openai/v1/models?limit=2")
    assert models.json()["path"] == "/v1/models?limit=2"
    for path in ("openai/v1/files", "anthropic/v1/messages/count_tokens", "gemini/v1beta/models/x:countTokens"):
        assert httpx.post(f"{proxy.address}/{path}", content=b"{}").status_code == 200
    large = b"x" * 3_000_000
    assert httpx.post(f"{proxy.address}/other/v1/upload", content=large).content == large
    assert httpx.request("DELETE", f"{proxy.address}/openai/v1/files/f").status_code == 200
    assert [request.method for request in upstream.requests] == ["GET", *["POST"] * 4, "DELETE"]
    assert proxy.calls() == []


def test_a_call_that_its_program_has_captured_is_not_written_down_again(proxy: Running, upstream: Provider) -> None:
    url = f"{proxy.address}/openai/v1/chat/completions"
    httpx.post(url, json={"model": "gpt-5"}, headers={"x-taximeter-captured": "1"})
    assert upstream.requests[0].header("x-taximeter-captured") is None
    assert proxy.calls() == []


def test_a_redirection_is_passed_on_and_leads_through_the_proxy_again(proxy: Running, upstream: Provider) -> None:
    def location(to: str) -> str:
        headers = {"x-script": "away", "x-location": to}
        answer = httpx.get(f"{proxy.address}/s/one/openai/v1/files/f", headers=headers, follow_redirects=False)
        assert answer.status_code == 307
        return answer.headers["location"]

    assert location("/v1/content") == "/s/one/openai/v1/content"
    assert location("content") == "/s/one/openai/v1/files/content"
    assert location(f"{upstream.url}/v1/content?a=b") == "/s/one/openai/v1/content?a=b"
    assert location("http://127.0.0.1:1/elsewhere") == "http://127.0.0.1:1/elsewhere"
    assert len(upstream.requests) == 4, "nobody followed"


def test_the_model_is_found_in_json_paths_and_forms(proxy: Running) -> None:
    base = f"{proxy.address}/openai"
    httpx.post(f"{base}/deployments/gpt-azure/chat/completions?api-version=1", json={"messages": [], "model": None})
    httpx.post(f"{base}/v1/audio/transcriptions", data={"model": "whisper-1"}, files={"file": ("a.wav", b"RIFF")})
    httpx.post(
        f"{base}/v1/audio/speech", content=CODINGS["gzip"](b'{"model": "tts-1"}'), headers={"content-encoding": "gzip"}
    )
    httpx.post(f"{base}/v1/audio/speech", content=b"nothing of all that")
    calls = proxy.calls()
    assert [call.model for call in calls] == ["gpt-azure", "whisper-1", "tts-1", "unknown"]
    assert [call.operation for call in calls] == ["chat", "transcription", "speech", "speech"]


def test_a_figure_that_cannot_be_true_is_refused(proxy: Running) -> None:
    from taximeter.report.build import build

    url = f"{proxy.address}/openai/v1/chat/completions"
    answer = httpx.post(url, json={"model": "gpt-5"}, headers={"x-script": "odd"})
    assert json.loads(answer.content)["usage"]["prompt_tokens"] == -1
    [call] = proxy.calls()
    assert (call.status, call.usage_source) == ("done", "missing")
    losses = build(proxy.run).losses
    assert losses.rejected == 1
    assert "prompt_tokens must be a whole number" in next(iter(losses.reasons))
