"""Names and parameters that programs rely on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import taximeter
from taximeter.recorder import attribution, context, handles
from taximeter.recorder.recorder import Recorder

KEYWORDS = "sink run_id rate_card_path record_tokens roll sample summary redact content"


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (taximeter.get_recorder, ""),
        (taximeter.disable, ""),
        (taximeter.attach, "service"),
        (taximeter.is_enabled, ""),
        (taximeter.clocks, ""),
        (taximeter.flush, "timeout"),
        (taximeter.session, "session_id"),
        (taximeter.carry, "function"),
        (taximeter.load_rate_card, "path"),
        (taximeter.compute_cost, "llm_tokens embed_tokens llm_model embed_model card"),
        (taximeter.run_report, ""),
        (taximeter.MemorySink, "capacity"),
        (taximeter.HttpSink, "url token"),
        (Recorder.attach, "self service"),
        (Recorder.disable, "self"),
        (Recorder.snapshot_tokens, "self"),
        (Recorder.finalize_tokens, "self after before"),
        (Recorder.emit, "self event"),
        (Recorder.get_all_events, "self"),
    ],
)
def test_functions_take_what_they_are_said_to_take(function: Callable[..., Any], named: str) -> None:
    assert list(inspect.signature(function).parameters) == named.split()


@pytest.mark.parametrize("enable", [taximeter.enable, taximeter.get_recorder().enable])
def test_enable_tells_its_options_and_takes_them_by_name_only(enable: Callable[..., Any]) -> None:
    options = inspect.signature(enable).parameters
    assert set(KEYWORDS.split()) <= options.keys()
    assert all(option.kind is option.KEYWORD_ONLY for option in options.values())
    assert "jsonl:PATH" in (enable.__doc__ or "")


def test_the_recorder_is_one_for_the_process(recorder: Recorder) -> None:
    assert taximeter.get_recorder() is recorder is taximeter.enable()
    assert recorder.enabled
    assert recorder.run_id
    assert recorder.sink is not None
    assert recorder.service is None


def test_tools_of_attribution_stand_where_they_are_said_to_stand() -> None:
    assert all(callable(getattr(attribution, name)) for name in ("diff", "snapshot_service", "token_source"))


def test_both_handles_are_given_back(recorder: Recorder) -> None:
    before = recorder.snapshot_tokens()
    after = recorder.snapshot_tokens()
    assert len(handles.open_buckets()) == 2
    recorder.finalize_tokens(after, before)
    assert not handles.open_buckets()


def test_a_method_is_a_stage_or_a_span_with_the_instance_as_its_own(recorder: Recorder) -> None:
    class Service:
        @taximeter.record_stage("ingest")
        def run(self) -> object:
            with taximeter.session("u"), taximeter.tags(team="x"):
                return self.part()

        @taximeter.span("embed")
        def part(self) -> object:
            return self

    service = Service()
    assert service.run() is service
    told = {event["span"]: event for event in recorder.get_all_events() if event["status"] == "done"}
    assert (told["embed"]["parent_span"], told["ingest"]["kind"], told["ingest"]["span"]) == (
        "ingest",
        "stage",
        "ingest",
    )
    assert (told["embed"]["session_id"], told["embed"]["tags"]) == ("u", {"team": "x"})
    assert context.current() is None
