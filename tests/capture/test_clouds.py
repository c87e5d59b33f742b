"""Models of Anthropic and Google where clouds sell them: Bedrock and Vertex AI, by their SDKs and a server on loopback.

What the SDK makes of Bedrock's streams needs botocore, and is in `bedrock.py`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.auth.credentials import AnonymousCredentials
from google.genai import types

from taximeter.capture.endpoints import provider_of
from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.server import Server
from tests.capture.test_anthropic import ASK, BEGUN, MESSAGE
from tests.capture.test_google import SAID
from tests.capture.test_openai import BROKEN, only
from tests.recorder.events import calls, events


def bedrock(server: Server, case: str = "") -> anthropic.AnthropicBedrock:
    headers = {"x-case": case}
    sdk = anthropic.AnthropicBedrock(api_key="k", aws_region="r", base_url=server.url, default_headers=headers)
    return server.keep(sdk)


def vertex(server: Server, case: str = "") -> anthropic.AnthropicVertex:
    given: Any = {"region": "r", "project_id": "p", "access_token": "t", "default_headers": {"x-case": case}}
    return server.keep(anthropic.AnthropicVertex(base_url=server.url, **given))


def gemini(server: Server) -> genai.Client:
    options = types.HttpOptions(base_url=server.url)
    fake = AnonymousCredentials()
    fake.token = "t"
    return server.keep(genai.Client(vertexai=True, project="p", location="r", credentials=fake, http_options=options))


def test_a_message_of_bedrock(server: Server, recorder: Recorder) -> None:
    assert bedrock(server).messages.create(**ASK).usage.output_tokens == 9
    assert server.seen[0][0] == "/model/c/invoke"
    call = only(recorder)
    assert (call.usage, call.provider, call.model, call.endpoint) == (MESSAGE, "aws", "c", "/messages")


@pytest.mark.parametrize(("case", "size"), [("", 7), ("", 10_000), ("gzip", 64)])
def test_the_bytes_of_a_stream_of_bedrock(server: Server, recorder: Recorder, case: str, size: int) -> None:
    sdk = bedrock(server, case)
    with sdk.messages.with_streaming_response.create(**ASK, stream=True) as response:
        assert b"".join(response.iter_bytes(size)).count(b":event-type") == 9
    call = only(recorder)
    assert (call.usage, call.status, call.stream, call.provider) == (MESSAGE, "done", True, "aws")
    assert call.ttft_ms is not None


def test_a_stream_of_bedrock_that_breaks(server: Server, recorder: Recorder) -> None:
    sdk = bedrock(server, "break:4")
    with (
        pytest.raises(Exception, match=BROKEN),
        sdk.messages.with_streaming_response.create(**ASK, stream=True) as response,
    ):
        list(response.iter_bytes())
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_a_message_of_vertex(server: Server, recorder: Recorder) -> None:
    vertex(server).messages.create(**ASK)
    assert server.seen[0][0].endswith("/publishers/anthropic/models/c:rawPredict")
    call = only(recorder)
    assert (call.usage, call.provider, call.model, call.tries) == (MESSAGE, "google", "c", 1)


def test_streams_of_vertex(server: Server, recorder: Recorder) -> None:
    assert [event.type for event in vertex(server).messages.create(**ASK, stream=True)][-1] == "message_stop"
    assert server.seen[0][0].endswith(":streamRawPredict")
    with vertex(server).messages.stream(**ASK) as stream:
        stream.until_done()
    found = [(call.usage, call.status, call.stream, call.provider) for call in calls(events(recorder))]
    assert found == [(MESSAGE, "done", True, "google")] * 2


def test_a_stream_of_vertex_that_is_left_is_cut(server: Server, recorder: Recorder) -> None:
    with vertex(server).messages.stream(**ASK) as stream:
        next(iter(stream))
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_vertex_that_fails(server: Server, recorder: Recorder) -> None:
    with pytest.raises(anthropic.BadRequestError):
        vertex(server, "fail:400:99").messages.create(**ASK)
    assert (only(recorder).usage, only(recorder).status, only(recorder).tries) == (NO_USAGE, "failed", 1)


def test_async_messages_and_streams_of_vertex(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        given: Any = {"region": "r", "project_id": "p", "access_token": "t"}
        async with anthropic.AsyncAnthropicVertex(base_url=server.url, **given) as sdk:
            await sdk.messages.create(**ASK)
            async for _ in await sdk.messages.create(**ASK, stream=True):
                pass

    asyncio.run(ask())
    assert [call.usage for call in calls(events(recorder))] == [MESSAGE] * 2


def test_gemini_on_vertex(server: Server, recorder: Recorder) -> None:
    sdk = gemini(server)
    sdk.models.generate_content(model="g", contents="what?")
    list(sdk.models.generate_content_stream(model="g", contents="what?"))
    assert server.seen[0][0].endswith("/projects/p/locations/r/publishers/google/models/g:generateContent")
    found = [(call.usage, call.model, call.provider, call.stream) for call in calls(events(recorder))]
    assert found == [(SAID, "g", "google", False), (SAID, "g", "google", True)]


def test_embeddings_of_vertex(server: Server, recorder: Recorder) -> None:
    gemini(server).models.embed_content(model="text-embedding-005", contents=["what?", "why?"])
    assert server.seen[0][0].endswith("text-embedding-005:predict")
    call = only(recorder)
    assert (call.kind, call.usage, call.model) == ("embedding", Usage(12), "text-embedding-005")


def test_async_gemini_on_vertex(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with gemini(server).aio as sdk:
            await sdk.models.generate_content(model="g", contents="what?")
            async for _ in await sdk.models.generate_content_stream(model="g", contents="what?"):
                pass

    asyncio.run(ask())
    assert [call.usage for call in calls(events(recorder))] == [SAID] * 2


@pytest.mark.parametrize(
    ("name", "given", "provider"),
    [
        ("AnthropicGoogleCloud", {"project": "p", "location": "l", "workspace_id": "w"}, "google"),
        ("AnthropicAWS", {"aws_region": "r", "workspace_id": "w"}, "aws"),
        ("AnthropicBedrockMantle", {"aws_region": "r"}, "aws"),
        ("AnthropicFoundry", {"api_key": "k"}, "azure"),
    ],
)
def test_other_clients_of_clouds(
    server: Server, recorder: Recorder, name: str, given: dict[str, Any], provider: str
) -> None:
    if anthropic.__version__.startswith("0."):
        pytest.xfail("they came later")
    keyless = {} if "api_key" in given else {"skip_auth": True}
    sdk = server.keep(getattr(anthropic, name)(base_url=server.url, **given, **keyless))
    sdk.messages.create(**ASK)
    list(sdk.messages.create(**ASK, stream=True))
    found = [(call.usage, call.provider, call.status) for call in calls(events(recorder))]
    assert found == [(MESSAGE, provider, "done")] * 2


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://x.openai.azure.com/openai/v1", "azure"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1", "aws"),
        ("https://us-central1-aiplatform.googleapis.com/v1", "google"),
        ("https://api.openai.com/v1", "openai"),
        ("https://example.org/v1", None),
    ],
)
def test_who_answers_is_known_by_the_host(url: str, provider: str | None) -> None:
    sdk = openai.OpenAI(api_key="k", base_url=url)
    assert provider_of(sdk) == provider
    sdk.close()
