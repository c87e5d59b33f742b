"""Responses that no hook has seen are recorded by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import taximeter
from taximeter.recorder import guard
from taximeter.recorder.recorder import Recorder
from taximeter.usage import Usage
from tests.capture import answers
from tests.capture.server import Server
from tests.capture.test_anthropic import MESSAGE
from tests.capture.test_google import SAID
from tests.capture.test_openai import ASK, CHAT, RESPONSE, client, only
from tests.recorder.events import calls, events


@pytest.mark.parametrize(
    ("response", "usage", "provider"),
    [
        (answers.chat("m", answers.CHAT_USAGE), CHAT, None),
        (answers.response("m"), RESPONSE, "openai"),
        (answers.message("m"), MESSAGE, "anthropic"),
        (answers.candidates("m", answers.GEMINI_USAGE), SAID, "google"),
        (answers.embeddings("m", 1), Usage(13), None),
    ],
)
def test_a_response_of_any_provider(recorder: Recorder, response: Any, usage: Usage, provider: str | None) -> None:
    taximeter.record_response(response)
    call = only(recorder)
    assert (call.usage, call.provider, call.captured_by) == (usage, provider, "record_response")
    assert call.kind == ("embedding" if usage == Usage(13) else "llm")


def test_who_asked_knows_more(recorder: Recorder) -> None:
    with taximeter.record_stage("s"):
        taximeter.record_response(answers.chat("m", answers.CHAT_USAGE), model="alias", provider="groq")
    call = only(recorder)
    assert (call.model, call.response_model, call.provider, call.stage_id) == ("alias", "m-2026", "groq", "s")


def test_what_a_hook_has_seen_is_not_recorded_again(server: Server, recorder: Recorder) -> None:
    taximeter.record_response(client(server).chat.completions.create(model="m", messages=ASK))
    assert only(recorder).captured_by == "openai"


@pytest.mark.parametrize("response", [None, 3, "text", {"what": 1}, []])
def test_what_nobody_knows_raises_nothing(recorder: Recorder, response: Any) -> None:
    taximeter.record_response(response)
    assert calls(events(recorder)) == []
    assert sum(guard.failures.values()) == 1


def test_without_a_recorder_it_is_a_line_of_the_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTRUMENT_SINK", str(tmp_path / "calls.jsonl"))
    taximeter.record_response(answers.message("c"))
    line = json.loads((tmp_path / "calls.jsonl").read_text())
    assert (line["model"], line["prompt_tokens"], line["completion_tokens"]) == ("c-2026", 35, 9)


def test_where_nobody_meters_nothing_happens() -> None:
    taximeter.record_response(answers.message("c"))
    assert not taximeter.is_enabled()
