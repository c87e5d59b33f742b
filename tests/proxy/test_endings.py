"""Calls that end otherwise than well: failed ones, broken streams, clients that go, clients that are slow."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from tests.proxy.conftest import Running, Start, totals
from tests.proxy.upstream import Provider

CHAT = "/openai/v1/chat/completions"
STREAM: Any = {"model": "gpt-5", "stream": True}


def wait_for(what: Any) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_error_is_passed_on_and_counts_as_failed(proxy: Running) -> None:
    errors = (400, 401, 404, 429, 500, 529)
    for status in errors:
        answer = httpx.post(f"{proxy.address}{CHAT}", json={"model": "gpt-5"}, headers={"x-script": f"status={status}"})
        assert (answer.status_code, answer.json()["error"]["message"]) == (status, f"it is {status}")
    calls = proxy.calls()
    assert [call.meta for call in calls] == [{"http_status": status} for status in errors]
    assert {(call.status, call.model, call.request_id) for call in calls} == {("failed", "gpt-5", "req_failed")}
    sums = totals(proxy.run)
    assert (sums.calls, sums.failed_calls, sums.missing_usage_calls, sums.cost) == (6, 6, 0, None)


def test_retries_are_the_clients_and_say_which_try_they_are(proxy: Running, upstream: Provider) -> None:
    base = f"{proxy.address}/openai/v1"
    with (
        openai.OpenAI(base_url=base, api_key="sk-x", max_retries=1) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(model="gpt-5", messages=[], extra_headers={"x-script": "status=500"})
    assert len(upstream.requests) == 2
    assert [(call.status, call.tries) for call in proxy.calls()] == [("failed", 1), ("failed", 2)]


def test_an_upstream_that_is_not_there_is_told_in_the_shape_of_its_provider(start: Start) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        proxy = start(*(f"--upstream={name}={url}" for name in ("openai", "anthropic", "gemini")))
        paths = ("/openai/v1/chat/completions", "/anthropic/v1/messages", "/gemini/v1beta/models/x:generateContent")
        answers = [httpx.post(f"{proxy.address}{path}", json={"model": "x"}) for path in paths]
        assert httpx.get(f"{proxy.address}/openai/v1/models").status_code == 502
    message = "taximeter proxy: the upstream openai could not be asked (ConnectError)"
    assert [answer.status_code for answer in answers] == [502] * 3
    assert answers[0].json() == {
        "error": {"message": message, "type": "taximeter_proxy", "param": None, "code": 502},
    }
    message = message.replace("openai", "anthropic")
    assert answers[1].json() == {"type": "error", "error": {"type": "api_error", "message": message}}
    message = message.replace("anthropic", "gemini")
    assert answers[2].json() == {"error": {"code": 502, "message": message, "status": "UNAVAILABLE"}}
    calls = proxy.calls()
    assert [(call.status, call.meta) for call in calls] == [("failed", {"error": "ConnectError"})] * 3


def test_an_upstream_that_does_not_answer_in_time_is_given_up(start: Start) -> None:
    proxy = start("--upstream-timeout", "0.3")
    answer = httpx.post(f"{proxy.address}{CHAT}", json={"model": "x"}, headers={"x-script": "silent"})
    assert (answer.status_code, "did not answer in time" in answer.text) == (504, True)
    [call] = proxy.calls()
    assert (call.status, call.meta) == ("failed", {"error": "ReadTimeout"})


def test_a_stream_that_breaks_off_is_passed_on_broken_off_and_is_cut(proxy: Running) -> None:
    for path, body in ((CHAT, STREAM), ("/anthropic/v1/messages", {"model": "claude-x", "stream": True})):
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{proxy.address}{path}", json=body, headers={"x-script": "broken"})
    chat, message = proxy.calls()
    assert (chat.status, chat.usage_source, chat.stream) == ("cut", "missing", True)
    assert (message.status, message.usage.input_tokens, message.usage.output_tokens) == ("cut", 25, None)


def test_when_the_client_goes_the_upstream_is_left_and_the_call_is_cut(proxy: Running, upstream: Provider) -> None:
    with httpx.stream("POST", f"{proxy.address}{CHAT}", json=STREAM, headers={"x-script": "slow"}) as response:
        pieces = response.iter_raw()
        next(pieces)
    assert upstream.broken_off.wait(60)
    [call] = proxy.calls()
    assert (call.status, call.usage_source) == ("cut", "missing")
    assert call.ttft_ms is not None


def test_a_client_that_goes_before_the_answer_has_a_call_that_is_cut(proxy: Running, upstream: Provider) -> None:
    place = urlsplit(proxy.address)
    with socket.create_connection((place.hostname, place.port)) as connection:
        body = json.dumps(STREAM)
        head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nx-script: silent\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(f"{head}{body}".encode())
        wait_for(lambda: upstream.requests)
    assert [call.status for call in proxy.calls()] == ["cut"]


def test_a_client_that_goes_in_the_middle_of_its_request_has_no_call(proxy: Running, upstream: Provider) -> None:
    place = urlsplit(proxy.address)
    for path in (CHAT, "/openai/v1/files"):
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode())
    assert httpx.get(f"{proxy.address}/openai/v1/models").status_code == 200, "it goes on"
    assert proxy.calls() == []


def test_who_leaves_after_the_last_event_has_a_call_that_is_done(proxy: Running, upstream: Provider) -> None:
    base = f"{proxy.address}/openai/v1"
    with (
        openai.OpenAI(base_url=base, api_key="sk-x") as client,
        client.chat.completions.create(messages=[], **STREAM) as stream,
    ):
        assert [chunk.choices[0].finish_reason for chunk in stream][-1] == "stop"
    [call] = proxy.calls()
    assert (call.status, call.usage.output_tokens) == ("done", 7)


def test_pieces_are_passed_on_as_they_come(proxy: Running, upstream: Provider) -> None:
    """The upstream waits in the middle until the client has what came before."""
    with httpx.stream("POST", f"{proxy.address}{CHAT}", json=STREAM, headers={"x-script": "slow"}) as response:
        pieces = response.iter_raw()
        got = next(pieces)
        while got.count(b"data: ") < 3:
            got += next(pieces)
        assert b"[DONE]" not in got
        upstream.let_go()
        got += b"".join(pieces)
    assert json.loads(got.split(b"\n\n")[0][6:])["id"] == "chatcmpl-1"
    assert got.endswith(b"data: [DONE]\n\n")


def test_a_slow_client_slows_the_upstream_down(proxy: Running, upstream: Provider) -> None:
    with httpx.stream("POST", f"{proxy.address}{CHAT}", json=STREAM, headers={"x-script": "endless"}) as response:
        pieces = response.iter_raw()
        next(pieces)
        before = -1
        while before != upstream.sent:  # it goes on until all buffers on the way are full
            before = upstream.sent
            time.sleep(0.5)
        assert 0 < before < 32 * 2**20
        next(pieces)
        assert not upstream.broken_off.is_set()
    assert upstream.broken_off.wait(60)
    assert [call.status for call in proxy.calls()] == ["cut"]
