"""Frameworks on top of the SDKs: each of their requests is one call. Run by a session of nox for each of them.

pytest tests/capture/frameworks.py -k litellm
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taximeter.recorder.recorder import Recorder
from taximeter.usage import Usage
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.recorder.events import calls, events

CHAT = Usage(25, 7, cache_read_input_tokens=5, reasoning_output_tokens=2)
RESPONSE = Usage(36, 8, cache_read_input_tokens=6, reasoning_output_tokens=3)
MESSAGE = Usage(35, 9, cache_read_input_tokens=20, cache_write_input_tokens=4)
SAID = Usage(14, 8, cache_read_input_tokens=2, reasoning_output_tokens=3)


def usages(recorder: Recorder) -> list[Usage]:
    return [call.usage for call in calls(events(recorder))]


def test_litellm(server: Server, recorder: Recorder) -> None:
    import litellm

    ask: dict[str, Any] = {"model": "openai/m", "messages": [{"role": "user", "content": "what?"}], "api_key": "k",
                           "api_base": f"{server.url}/v1"}  # fmt: skip
    assert litellm.completion(**ask).choices[0].message.content == TEXT
    assert usages(recorder) == [CHAT]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(**ask, stream=True)) == TEXT
    assert usages(recorder) == [CHAT, CHAT]

    async def later() -> None:
        await litellm.acompletion(**ask)
        async for _ in await litellm.acompletion(**ask, stream=True):
            pass

    asyncio.run(later())
    litellm.embedding(model="openai/e", input=["what?"], api_key="k", api_base=f"{server.url}/v1")
    assert usages(recorder) == [CHAT] * 4 + [Usage(13)]


def test_langchain_openai(server: Server, recorder: Recorder) -> None:
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    model = ChatOpenAI(model="m", api_key="k", base_url=f"{server.url}/v1", stream_usage=False)
    assert model.invoke("what?").content == TEXT
    assert "".join(str(chunk.content) for chunk in model.stream("what?")) == TEXT
    asyncio.run(model.ainvoke("what?"))
    assert usages(recorder) == [CHAT] * 3
    OpenAIEmbeddings(model="e", api_key="k", base_url=f"{server.url}/v1", check_embedding_ctx_length=False).embed_query(
        "?"
    )
    assert usages(recorder)[3:] == [Usage(13)]


def test_langchain_openai_responses(server: Server, recorder: Recorder) -> None:
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="m", api_key="k", base_url=f"{server.url}/v1", use_responses_api=True)
    model.invoke("what?")
    list(model.stream("what?"))
    assert usages(recorder) == [RESPONSE] * 2


def test_langchain_anthropic(server: Server, recorder: Recorder) -> None:
    from langchain_anthropic import ChatAnthropic

    model = ChatAnthropic(model_name="c", api_key="k", base_url=server.url, timeout=None, stop=None)
    assert model.invoke("what?").content == TEXT
    list(model.stream("what?"))
    assert usages(recorder) == [MESSAGE] * 2


def test_langchain_google(server: Server, recorder: Recorder) -> None:
    from langchain_google_genai import ChatGoogleGenerativeAI

    model = ChatGoogleGenerativeAI(model="g", api_key="k", base_url=server.url)
    assert model.invoke("what?").content == TEXT
    list(model.stream("what?"))
    assert usages(recorder) == [SAID] * 2


def test_llamaindex(server: Server, recorder: Recorder) -> None:
    from llama_index.core.llms import ChatMessage
    from llama_index.embeddings.openai import OpenAIEmbedding
    from llama_index.llms.openai import OpenAI

    model = OpenAI(model="gpt-4o", api_key="k", api_base=f"{server.url}/v1")
    assert model.chat([ChatMessage(role="user", content="what?")]).message.content == TEXT
    list(model.stream_chat([ChatMessage(role="user", content="what?")]))
    asyncio.run(model.achat([ChatMessage(role="user", content="what?")]))
    assert usages(recorder) == [CHAT] * 3
    OpenAIEmbedding(api_key="k", api_base=f"{server.url}/v1").get_text_embedding("what?")
    assert usages(recorder)[3:] == [Usage(13)]


@pytest.mark.parametrize("stream", [False, True])
def test_pydantic_ai(server: Server, recorder: Recorder, stream: bool) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.google import GoogleProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    openai = OpenAIProvider(base_url=f"{server.url}/v1", api_key="k")
    models: list[Any] = [
        OpenAIChatModel("m", provider=openai),
        OpenAIResponsesModel("m", provider=openai),
        GoogleModel("g", provider=GoogleProvider(api_key="k", base_url=server.url)),
    ]

    async def ask() -> None:
        for model in models:
            if stream:
                async with Agent(model).run_stream("what?") as result:
                    assert await result.get_output() == TEXT
            else:
                assert (await Agent(model).run("what?")).output == TEXT

    asyncio.run(ask())
    assert usages(recorder) == [CHAT, RESPONSE, SAID]


def test_instructor(server: Server, recorder: Recorder) -> None:
    import instructor
    import openai
    from pydantic import BaseModel

    class Answer(BaseModel):
        answer: int

    sdk = server.keep(openai.OpenAI(api_key="k", base_url=f"{server.url}/v1"))
    ask: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}], "response_model": Answer}
    assert instructor.from_openai(sdk, mode=instructor.Mode.JSON).chat.completions.create(**ask).answer == 42
    assert usages(recorder) == [CHAT]
