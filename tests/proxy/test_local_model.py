"""A real model behind the proxy: what is recorded is what its own server says."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import openai
import pytest

from taximeter.cli.local_model import CHAT_MODEL, EMBED_MODEL, local_model
from tests.proxy.conftest import Start

PROMPT: Any = [{"role": "user", "content": "Say hello."}]


@pytest.mark.slow
def test_the_model_of_the_demo(start: Start) -> None:
    with ExitStack() as stack:
        served = stack.enter_context(local_model())
        proxy = start(f"--upstream=chat={served.chat_url}", f"--upstream=embed={served.embed_url}")
        chat, embed = (
            stack.enter_context(openai.OpenAI(base_url=f"{proxy.address}/{name}/v1", api_key=served.api_key))
            for name in ("chat", "embed")
        )
        told = [chat.chat.completions.create(model=CHAT_MODEL, messages=PROMPT, max_tokens=8).usage]
        with_usage: Any = {"stream": True, "stream_options": {"include_usage": True}}
        *_, last = chat.chat.completions.create(model=CHAT_MODEL, messages=PROMPT, max_tokens=8, **with_usage)
        told.append(last.usage)
        chunks = list(chat.chat.completions.create(model=CHAT_MODEL, messages=PROMPT, max_tokens=8, stream=True))
        assert all(chunk.choices for chunk in chunks)
        vectors = embed.embeddings.create(model=EMBED_MODEL, input="hello", encoding_format="float")
    calls = proxy.calls()
    assert [call.model for call in calls] == [*[CHAT_MODEL] * 3, EMBED_MODEL]
    used = [(call.usage.input_tokens, call.usage.output_tokens) for call in calls]
    assert used[:2] == [(usage.prompt_tokens, usage.completion_tokens) for usage in told if usage]
    assert used[2][0] == used[0][0]
    assert used[2][1]
    assert used[3] == (vectors.usage.prompt_tokens, None)
