"""Images, transcriptions and speech of OpenAI: calls like others, with the usage where the answer has one."""

from __future__ import annotations

from typing import Any

import pytest

from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.capture.test_openai import client, only

IMAGE = Usage(50, 4160, text_input_tokens=10, image_input_tokens=40)
TRANSCRIPT = Usage(14, 45, text_input_tokens=0, audio_input_tokens=14)
PNG = ("a.png", b"\x89PNG", "image/png")
OLD = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
WAV = ("a.wav", b"RIFF", "audio/wav")


def test_an_image(server: Server, recorder: Recorder) -> None:
    assert client(server).images.generate(model="gpt-image-1", prompt="so").data
    call = only(recorder)
    assert (call.usage, call.model, call.endpoint, call.kind) == (IMAGE, "gpt-image-1", "/images/generations", "llm")


def test_an_image_that_is_changed(server: Server, recorder: Recorder) -> None:
    client(server).images.edit(model="gpt-image-1", prompt="so", image=PNG)
    assert (only(recorder).usage, only(recorder).model) == (IMAGE, "gpt-image-1")


@pytest.mark.parametrize("name", ["generate", "edit"])
def test_images_that_are_streamed(server: Server, recorder: Recorder, name: str) -> None:
    given: Any = {"image": PNG} if name == "edit" else {}
    stream = getattr(client(server).images, name)(model="gpt-image-1", prompt="so", stream=True, **given)
    assert len(list(stream)) == 2
    assert (only(recorder).usage, only(recorder).status, only(recorder).stream) == (IMAGE, "done", True)


@OLD
def test_an_image_of_a_model_that_tells_no_usage(server: Server, recorder: Recorder) -> None:
    client(server, "silent").images.create_variation(model="dall-e-2", image=PNG)
    assert (only(recorder).usage, only(recorder).usage_source, only(recorder).status) == (NO_USAGE, "missing", "done")


def test_a_transcription(server: Server, recorder: Recorder) -> None:
    assert client(server).audio.transcriptions.create(model="gpt-4o-transcribe", file=WAV).text == TEXT
    assert (only(recorder).usage, only(recorder).model) == (TRANSCRIPT, "gpt-4o-transcribe")


def test_a_transcription_that_is_billed_by_its_length(server: Server, recorder: Recorder) -> None:
    client(server, "by-length").audio.transcriptions.create(model="whisper-1", file=WAV)
    assert only(recorder).usage == Usage(counters=(("input_audio_seconds", 10),))
    assert only(recorder).usage_source == "provider"


def test_a_transcription_that_is_streamed(server: Server, recorder: Recorder) -> None:
    stream = client(server).audio.transcriptions.create(model="gpt-4o-transcribe", file=WAV, stream=True)
    assert [event.type for event in stream] == ["transcript.text.delta", "transcript.text.done"]
    assert (only(recorder).usage, only(recorder).status) == (TRANSCRIPT, "done")
    assert only(recorder).ttft_ms is not None


def test_a_transcription_that_is_left_is_cut(server: Server, recorder: Recorder) -> None:
    with client(server).audio.transcriptions.create(model="gpt-4o-transcribe", file=WAV, stream=True) as stream:
        next(iter(stream))
    assert (only(recorder).usage, only(recorder).status) == (NO_USAGE, "cut")


@OLD
def test_a_translation(server: Server, recorder: Recorder) -> None:
    client(server).audio.translations.create(model="whisper-1", file=WAV)
    assert only(recorder).usage == TRANSCRIPT


def test_speech_tells_no_usage(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    assert sdk.audio.speech.create(model="tts-1", voice="alloy", input="so").read() == b"\xff\xf3sound"
    assert (only(recorder).usage, only(recorder).usage_source, only(recorder).model) == (NO_USAGE, "missing", "tts-1")
