"""Responses that are made in the background: a call is known, and counted once, when the response is fetched."""

from __future__ import annotations

import httpx
import openai

from tests.proxy.conftest import Running
from tests.proxy.upstream import Provider

URL = "/s/made/openai/v1/responses"


def begin(proxy: Running) -> None:
    answer = httpx.post(f"{proxy.address}{URL}", json={"model": "gpt-5", "background": True})
    assert answer.json()["status"] == "queued"


def test_the_call_is_that_of_the_request_with_the_usage_of_the_response(proxy: Running, upstream: Provider) -> None:
    with openai.OpenAI(base_url=f"{proxy.address}/s/made/openai/v1", api_key="sk-x") as client:
        response = client.responses.create(model="gpt-5", input="hello?", background=True)
    with openai.OpenAI(base_url=f"{proxy.address}/openai/v1", api_key="sk-x") as elsewhere:
        while response.status != "completed":
            response = elsewhere.responses.retrieve(response.id)
        for _ in range(2):
            elsewhere.responses.retrieve(response.id)  # what is stored and read again was counted
    [call] = proxy.calls()
    assert (call.stage_id, call.status, call.usage.input_tokens, call.response_id) == ("made", "done", 30, "resp_bg")


def test_a_look_that_fails_is_not_the_end(proxy: Running, upstream: Provider) -> None:
    begin(proxy)
    fetch = f"{proxy.address}{URL}/resp_bg"
    assert httpx.get(fetch, headers={"x-script": "status=500"}).status_code == 500
    upstream.looks = 5
    assert httpx.get(fetch).json()["status"] == "completed"
    assert [(call.status, call.usage.input_tokens) for call in proxy.calls()] == [("done", 30)]


def test_one_that_nobody_fetches_is_cut(proxy: Running, upstream: Provider) -> None:
    begin(proxy)
    assert httpx.get(f"{proxy.address}{URL}/resp_bg", headers={"x-script": "status=404"}).status_code == 404
    assert [(call.status, call.usage_source, call.model) for call in proxy.calls()] == [("cut", "missing", "gpt-5")]


def test_one_that_the_proxy_has_not_seen_begin_is_none(proxy: Running, upstream: Provider) -> None:
    upstream.looks = 5
    assert httpx.get(f"{proxy.address}{URL}/resp_bg").json()["status"] == "completed"
    assert proxy.calls() == []
