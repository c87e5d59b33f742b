"""Objects of the real SDKs are read as their JSON is."""

import copy
from typing import Any

import pytest

from taximeter.normalize.read import read
from taximeter.normalize.stream import StreamReader
from taximeter.usage import Usage
from tests.normalize import bodies, test_stream


def test_openai() -> None:
    pytest.importorskip("openai")
    from openai.types import CreateEmbeddingResponse
    from openai.types.chat import ChatCompletion
    from openai.types.responses import Response

    for kind, body, usage in (
        (ChatCompletion, bodies.CHAT, bodies.CHAT_USAGE),
        (Response, bodies.RESPONSE, bodies.RESPONSE_USAGE),
        (CreateEmbeddingResponse, bodies.EMBEDDING, Usage(8)),
    ):
        as_json, as_object = read(body), read(kind.construct(**copy.deepcopy(body)))
        assert as_object == as_json
        assert as_object[0].usage == usage


def test_chunks_of_openai() -> None:
    pytest.importorskip("openai")
    from openai.types.chat import ChatCompletionChunk

    reader = StreamReader()
    for event in test_stream.CHAT:
        reader.take(ChatCompletionChunk.construct(**copy.deepcopy(event)))
    assert (reader.readings()[0].usage, reader.ended) == (Usage(20, 9), True)


def test_anthropic() -> None:
    pytest.importorskip("anthropic")
    from anthropic.types import Message
    from anthropic.types.beta import BetaMessage

    for kind, body in ((Message, bodies.MESSAGE), (BetaMessage, bodies.MESSAGE), (BetaMessage, bodies.ITERATIONS)):
        assert read(kind.construct(**copy.deepcopy(body))) == read(body)
    assert read(bodies.MESSAGE)[0].usage == bodies.MESSAGE_USAGE
    assert [reading.model for reading in read(bodies.ITERATIONS)] == [None, "claude-big"]


def test_events_of_anthropic() -> None:
    pytest.importorskip("anthropic")
    from anthropic.types import (
        RawContentBlockDeltaEvent,
        RawMessageDeltaEvent,
        RawMessageStartEvent,
        RawMessageStopEvent,
    )

    kinds: dict[str, Any] = {
        "message_start": RawMessageStartEvent,
        "content_block_delta": RawContentBlockDeltaEvent,
        "message_delta": RawMessageDeltaEvent,
        "message_stop": RawMessageStopEvent,
    }
    reader = StreamReader()
    for event in test_stream.MESSAGE:
        if event["type"] in kinds:
            reader.take(kinds[event["type"]].construct(**copy.deepcopy(event)))
    assert (reader.readings()[0].usage, reader.ended) == (Usage(17, 550, cache_read_input_tokens=7), True)


def test_gemini() -> None:
    pytest.importorskip("google.genai")
    from google.genai.types import EmbedContentResponse, GenerateContentResponse

    as_object = read(GenerateContentResponse.model_validate(bodies.GEMINI))
    assert as_object == read(bodies.GEMINI)
    assert (as_object[0].usage, as_object[0].service_tier) == (bodies.GEMINI_USAGE, "flex")
    embedded = EmbedContentResponse.model_validate(
        {"embeddings": [{"values": [0.5], "statistics": {"tokenCount": 4.0}}]}
    )
    assert (read(embedded)[0].usage, read(embedded)[0].operation) == (Usage(4), "embeddings")
    reader = StreamReader()
    for event in test_stream.GEMINI:
        reader.take(GenerateContentResponse.model_validate(event))
    assert (reader.readings()[0].usage, reader.ended) == (Usage(8, 7, reasoning_output_tokens=2), True)
