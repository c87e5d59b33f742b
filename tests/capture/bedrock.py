"""Streams of Bedrock as the SDK of Anthropic reads them, which it does with botocore: in a nox session."""

from __future__ import annotations

import asyncio

import anthropic
import pytest

from taximeter.recorder.recorder import Recorder
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.capture.test_anthropic import ASK, BEGUN, MESSAGE
from tests.capture.test_openai import BROKEN, only
from tests.recorder.events import calls, events


def client(server: Server, case: str = "") -> anthropic.AnthropicBedrock:
    keys = {"aws_access_key": "a", "aws_secret_key": "s", "aws_region": "us-east-1"}
    return server.keep(anthropic.AnthropicBedrock(**keys, base_url=server.url, default_headers={"x-case": case}))


def test_a_message(server: Server, recorder: Recorder) -> None:
    client(server).messages.create(**ASK)
    assert (only(recorder).usage, only(recorder).provider) == (MESSAGE, "aws")


@pytest.mark.parametrize("case", ["", "gzip"])
def test_a_stream_of_events(server: Server, recorder: Recorder, case: str) -> None:
    kinds = [event.type for event in client(server, case).messages.create(**ASK, stream=True)]
    assert (kinds[0], kinds[-1], len(kinds)) == ("message_start", "message_stop", 8)
    assert (only(recorder).usage, only(recorder).status, only(recorder).stream) == (MESSAGE, "done", True)


def test_the_helper_for_streams(server: Server, recorder: Recorder) -> None:
    with client(server).messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == TEXT
    assert (only(recorder).usage, only(recorder).status) == (MESSAGE, "done")


def test_a_stream_that_is_left_is_cut(server: Server, recorder: Recorder) -> None:
    with client(server).messages.stream(**ASK) as stream:
        next(iter(stream))
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_a_stream_that_breaks_is_cut(server: Server, recorder: Recorder) -> None:
    with pytest.raises(Exception, match=BROKEN):
        list(client(server, "break:4").messages.create(**ASK, stream=True))
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_an_error_in_a_stream_cuts_it(server: Server, recorder: Recorder) -> None:
    with pytest.raises(anthropic.APIStatusError):
        list(client(server, "throttled").messages.create(**ASK, stream=True))
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_async(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        keys = {"aws_access_key": "a", "aws_secret_key": "s", "aws_region": "us-east-1"}
        async with anthropic.AsyncAnthropicBedrock(**keys, base_url=server.url) as sdk:
            await sdk.messages.create(**ASK)
            async for _ in await sdk.messages.create(**ASK, stream=True):
                pass

    asyncio.run(ask())
    assert [call.usage for call in calls(events(recorder))] == [MESSAGE] * 2
