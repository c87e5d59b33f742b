"""Real SDKs through the proxy: what they get is what they get without it, and each call is written down once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai

from tests.proxy.conftest import Running, totals

CLIENTS: list[Any] = []
PROMPT: Any = [{"role": "user", "content": "hello?"}]


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    yield
    for client in CLIENTS:
        if not asyncio.iscoroutinefunction(client.close):  # those are closed where they are used
            client.close()
    CLIENTS.clear()


def closed_later(client: Any) -> Any:
    CLIENTS.append(client)
    return client


def openai_client(base: str, kind: Any = openai.OpenAI) -> Any:
    return closed_later(kind(base_url=f"{base}/openai/v1", api_key="sk-test", max_retries=0))


def anthropic_client(base: str, kind: Any = anthropic.Anthropic) -> Any:
    return closed_later(kind(base_url=f"{base}/anthropic", api_key="sk-ant-test", max_retries=0))


def gemini_client(base: str) -> genai.Client:
    client: genai.Client = closed_later(genai.Client(api_key="AIza-test", http_options={"base_url": f"{base}/gemini"}))
    return client


def chat(base: str) -> str:
    done = openai_client(base).chat.completions.create(model="gpt-5", messages=PROMPT)
    return str(done.choices[0].message.content)


def chat_stream(base: str) -> str:
    chunks = list(openai_client(base).chat.completions.create(model="gpt-5", messages=PROMPT, stream=True))
    assert all(chunk.choices for chunk in chunks), "the chunk that nobody asked for is hidden"
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def chat_stream_with_usage(base: str) -> str:
    chunks = list(
        openai_client(base).chat.completions.create(
            model="gpt-5", messages=PROMPT, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage.prompt_tokens == 11, "who asked for it gets it"
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])


def chat_stream_helper(base: str) -> str:
    with openai_client(base).chat.completions.stream(model="gpt-5", messages=PROMPT) as stream:
        return str(stream.get_final_completion().choices[0].message.content)


def chat_raw(base: str) -> str:
    raw = openai_client(base).chat.completions.with_raw_response.create(model="gpt-5", messages=PROMPT)
    return str(raw.parse().choices[0].message.content)


def responses(base: str) -> str:
    return str(openai_client(base).responses.create(model="gpt-5", input="hello?").output_text)


def responses_stream(base: str) -> str:
    events = openai_client(base).responses.create(model="gpt-5", input="hello?", stream=True)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def embeddings(base: str) -> str:
    done = openai_client(base).embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float")
    return "hello" if done.data[0].embedding == [0.5, 0.25] else ""


def messages(base: str) -> str:
    done = anthropic_client(base).messages.create(model="claude-x", max_tokens=9, messages=PROMPT)
    return str(done.content[0].text)


def messages_stream(base: str) -> str:
    with anthropic_client(base).messages.stream(model="claude-x", max_tokens=9, messages=PROMPT) as stream:
        return "".join(stream.text_stream)


def messages_beta(base: str) -> str:
    done = anthropic_client(base).beta.messages.create(model="claude-x", max_tokens=9, messages=PROMPT)
    return str(done.content[0].text)


def generate(base: str) -> str:
    return str(gemini_client(base).models.generate_content(model="gemini-x", contents="hello?").text)


def generate_stream(base: str) -> str:
    chunks = list(gemini_client(base).models.generate_content_stream(model="gemini-x", contents="hello?"))
    return str(chunks[-1].text)


def embed(base: str) -> str:
    done = gemini_client(base).models.embed_content(model="gemini-embedding-x", contents="a")
    return "hello" if done.embeddings and done.embeddings[0].values == [0.5] else ""


def asynchronous(work: Callable[[str], Any]) -> Callable[[str], str]:
    def call(base: str) -> str:
        return str(asyncio.run(work(base)))

    call.__name__ = work.__name__
    return call


async def async_chat(base: str) -> str:
    async with openai_client(base, openai.AsyncOpenAI) as client:
        done = await client.chat.completions.create(model="gpt-5", messages=PROMPT)
        return str(done.choices[0].message.content)


async def async_chat_stream(base: str) -> str:
    async with openai_client(base, openai.AsyncOpenAI) as client:
        stream = await client.chat.completions.create(model="gpt-5", messages=PROMPT, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def async_messages_stream(base: str) -> str:
    client = anthropic_client(base, anthropic.AsyncAnthropic)
    async with client, client.messages.stream(model="claude-x", max_tokens=9, messages=PROMPT) as stream:
        return "".join([text async for text in stream.text_stream])


async def async_generate(base: str) -> str:
    async with gemini_client(base).aio as client:
        return str((await client.models.generate_content(model="gemini-x", contents="hello?")).text)


async def async_generate_stream(base: str) -> str:
    async with gemini_client(base).aio as client:
        stream = await client.models.generate_content_stream(model="gemini-x", contents="hello?")
        return str([chunk async for chunk in stream][-1].text)


OF_CHAT = ("openai", 11, 7)
OF_MESSAGE = ("anthropic", 25, 9)
OF_GEMINI = ("google", 13, 6)
CASES = [
    (chat, OF_CHAT),
    (chat_raw, OF_CHAT),
    (chat_stream, OF_CHAT),
    (chat_stream_with_usage, OF_CHAT),
    (chat_stream_helper, OF_CHAT),
    (asynchronous(async_chat), OF_CHAT),
    (asynchronous(async_chat_stream), OF_CHAT),
    (responses, ("openai", 30, 12)),
    (responses_stream, ("openai", 30, 12)),
    (embeddings, ("openai", 8, None)),
    (messages, OF_MESSAGE),
    (messages_beta, OF_MESSAGE),
    (messages_stream, OF_MESSAGE),
    (asynchronous(async_messages_stream), OF_MESSAGE),
    (generate, OF_GEMINI),
    (generate_stream, OF_GEMINI),
    (asynchronous(async_generate), OF_GEMINI),
    (asynchronous(async_generate_stream), OF_GEMINI),
    (embed, ("google", 6, None)),
]


def test_each_call_of_an_sdk_is_written_down_once_with_what_it_used(proxy: Running) -> None:
    for work, _ in CASES:
        name = work.__name__
        assert work(f"{proxy.address}/s/{name}") == "hello", name
    calls = proxy.calls()
    assert [call.stage_id for call in calls] == [work.__name__ for work, _ in CASES]
    for call, (work, expected) in zip(calls, CASES, strict=True):
        told = (call.provider, call.usage.input_tokens, call.usage.output_tokens)
        assert told == expected, work.__name__
        assert (call.status, call.usage_source, call.captured_by) == ("done", "provider", "proxy"), work.__name__
        assert call.stream == ("stream" in work.__name__), work.__name__
        assert (call.ttft_ms is not None) == call.stream, work.__name__
        assert call.kind == ("embedding" if "embed" in work.__name__ else "llm"), work.__name__
    sums = totals(proxy.run)
    assert sums.calls == len(CASES)
    assert sums.prompt_tokens == sum(expected[1] for _, expected in CASES)
