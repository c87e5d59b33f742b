"""The same for SDKs that are heavy, or fit with little else: `nox -s sdks` runs them."""

import litellm
from cohere.types import EmbedByTypeResponse
from cohere.v2.types import V2ChatResponse
from mistralai.client.models import ChatCompletionResponse, CompletionChunk, ConversationResponse

from taximeter.normalize.read import read
from taximeter.normalize.stream import StreamReader
from taximeter.usage import Usage
from tests.normalize import bodies


def test_mistral() -> None:
    (reading,) = read(ChatCompletionResponse.model_validate(bodies.MISTRAL))
    assert (reading,) == read(bodies.MISTRAL, "mistral")
    assert (reading.usage, reading.provider, reading.service_tier) == (Usage(9, 1), "mistral", "standard")
    talk = {"conversation_id": "conv", "outputs": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    talk["usage"] |= {"connector_tokens": 4, "total_tokens": 7}  # type: ignore[operator]
    assert read(ConversationResponse.model_validate(talk))[0].usage == Usage(5, 2, tool_use_input_tokens=4)


def test_chunks_of_mistral() -> None:
    reader = StreamReader()
    chunk = {key: bodies.MISTRAL[key] for key in ("id", "model")} | {"object": "chat.completion.chunk"}
    last = {"index": 0, "finish_reason": "stop", "delta": {"content": ""}}
    reader.take(CompletionChunk.model_validate({**chunk, "choices": [{**last, "finish_reason": None}]}))
    reader.take(CompletionChunk.model_validate({**chunk, "choices": [last], "usage": bodies.MISTRAL["usage"]}))
    (reading,) = reader.readings()
    assert (reading.usage, reading.provider, reading.status) == (Usage(9, 1), "mistral", "done")


def test_cohere() -> None:
    (reading,) = read(V2ChatResponse.model_validate(bodies.COHERE))
    assert (reading,) == read(bodies.COHERE)
    assert (reading.usage, reading.provider) == (Usage(5, 418, cache_read_input_tokens=2), "cohere")
    embedded = {"id": "e", "embeddings": {"float": [[0.5]]}, "meta": {"billed_units": {"input_tokens": 3.0}}}
    (embedding,) = read(EmbedByTypeResponse.model_validate(embedded))
    assert (embedding.usage, embedding.operation) == (Usage(3), "embeddings")


def test_litellm() -> None:
    usage = litellm.Usage(
        prompt_tokens=1_010,  # 10 fresh + 400 read + 600 written
        completion_tokens=5,
        total_tokens=1_015,
        cache_read_input_tokens=400,
        cache_creation_input_tokens=600,
    )
    expected = Usage(1_010, 5, cache_read_input_tokens=400, cache_write_input_tokens=600)
    response = litellm.ModelResponse(model="claude-x", usage=usage)
    response._hidden_params["custom_llm_provider"] = "anthropic"
    (reading,) = read(response)
    assert (reading.usage, reading.provider, reading.inconsistent) == (expected, "anthropic", ())
    (bare,) = read(usage)
    assert (bare.usage, bare.provider) == (expected, None)
