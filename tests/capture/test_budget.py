"""A captured call that would be more than the budget is not sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google import genai
from google.genai import types
from mistralai.client import Mistral

import taximeter
from taximeter.recorder.recorder import Recorder
from tests.capture import test_anthropic, test_openai
from tests.capture.server import Server
from tests.recorder.events import calls, events


def openai(server: Server) -> object:
    return test_openai.client(server).chat.completions.create(model="m", messages=test_openai.ASK)


def anthropic(server: Server) -> object:
    return test_anthropic.client(server).messages.create(**test_anthropic.ASK)


def google(server: Server) -> object:
    sdk = server.keep(genai.Client(api_key="k", http_options=types.HttpOptions(base_url=server.url)))
    return sdk.models.generate_content(model="g", contents="what?")


def google_streamed(server: Server) -> object:
    sdk = server.keep(genai.Client(api_key="k", http_options=types.HttpOptions(base_url=server.url)))
    return list(sdk.models.generate_content_stream(model="g", contents="what?"))


def mistral(server: Server) -> object:
    ask: Any = test_openai.ASK
    return Mistral(api_key="k", server_url=server.url).chat.complete(model="m", messages=ask)


@pytest.mark.parametrize("ask", [openai, anthropic, google, google_streamed, mistral])
def test_the_next_call_is_refused(server: Server, recorder: Recorder, ask: Callable[[Server], object]) -> None:
    taximeter.enable(budget="calls=2")
    ask(server)
    ask(server)
    with pytest.raises(taximeter.BudgetExceeded, match="2 of 2"):
        ask(server)
    assert len(server.seen) == len(calls(events(recorder))) == 2
