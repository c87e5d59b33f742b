"""Streams: what is told later replaces what was told before, and what was cut is missing."""

import json
from typing import Any

import pytest

from taximeter.normalize.reading import Reading, RejectedUsageError
from taximeter.normalize.recorded import read_recorded
from taximeter.normalize.stream import StreamReader
from taximeter.usage import Usage

CHUNK = {"id": "c1", "object": "chat.completion.chunk", "model": "gpt-5", "service_tier": "default"}
CHAT = [
    {**CHUNK, "choices": [{"index": 0, "delta": {"content": "so"}, "finish_reason": None}], "usage": None},
    {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None},
    {**CHUNK, "choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}},
]
RESPONSE = {"id": "r1", "object": "response", "model": "gpt-5", "output": [], "tools": []}
RESPONSES = [
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "usage": None}},
    {"type": "response.output_text.delta", "delta": "so"},
    {
        "type": "response.completed",
        "response": {
            **RESPONSE,
            "status": "completed",
            "usage": {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29},
        },
    },
]
MESSAGE = [
    {
        "type": "message_start",
        "message": {
            "id": "m1",
            "type": "message",
            "model": "claude-x",
            "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 1, "service_tier": "standard"},
        },
    },
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "so"}},
    {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 200}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 550, "input_tokens": 10, "cache_read_input_tokens": None},
    },
    {"type": "message_stop"},
]
GEMINI = [
    {"responseId": "g1", "modelVersion": "gemini-3", "candidates": [{}], "usageMetadata": {"promptTokenCount": 8}},
    {
        "responseId": "g1",
        "modelVersion": "gemini-3",
        "candidates": [{"finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 8,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 2,
            "totalTokenCount": 15,
        },
    },
]
COHERE = [
    {"id": "k1", "type": "message-start", "delta": {}},
    {"type": "content-delta", "index": 0, "delta": {}},
    {"type": "message-end", "delta": {"usage": {"billed_units": {"input_tokens": 4, "output_tokens": 6}}}},
]
MISTRAL = [
    {"type": "conversation.response.started", "conversation_id": "conv"},
    {"type": "message.output.delta", "content": "so"},
    {"type": "conversation.response.done", "usage": {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10}},
]
CONVERSE = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"delta": {"text": "so"}, "contentBlockIndex": 0}},
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"messageStop": {"stopReason": "end_turn"}},
    {
        "metadata": {
            "usage": {"inputTokens": 3, "outputTokens": 9, "totalTokens": 19, "cacheReadInputTokens": 7},
            "metrics": {"latencyMs": 700},
        }
    },
]
STREAMS = {
    "chat": (CHAT, Usage(20, 9), "c1"),
    "responses": (RESPONSES, Usage(20, 9), "r1"),
    "anthropic": (MESSAGE, Usage(17, 550, cache_read_input_tokens=7), "m1"),  # 10 + 7 read
    "gemini": (GEMINI, Usage(8, 7, reasoning_output_tokens=2), "g1"),  # 5 + 2 thoughts
    "cohere": (COHERE, Usage(4, 6), "k1"),
    "mistral": (MISTRAL, Usage(4, 6), None),
    "converse": (CONVERSE, Usage(10, 9, cache_read_input_tokens=7), None),  # 3 + 7 read
}
EVERY = pytest.mark.parametrize(("events", "usage", "response_id"), STREAMS.values(), ids=STREAMS)


def taken(events: list[dict[str, Any]], provider: str | None = None) -> Reading:
    reader = StreamReader(provider)
    for event in events:
        reader.take(event)
    (reading,) = reader.readings()
    return reading


def sse(events: list[dict[str, Any]], end: str = "\n", last: str = "") -> bytes:
    return "".join(f"data: {json.dumps(event)}{end}{end}" for event in events).encode() + last.encode()


@EVERY
def test_a_whole_stream(events: list[dict[str, Any]], usage: Usage, response_id: str | None) -> None:
    reading = taken(events)
    assert (reading.usage, reading.status, reading.inconsistent) == (usage, "done", ())
    if response_id is not None:
        assert reading.response_id == response_id


@EVERY
def test_a_chunk_that_comes_twice_is_counted_once(events: list[dict[str, Any]], usage: Usage, response_id: str) -> None:
    assert taken([event for event in events for _ in range(2)]).usage == usage
    assert taken([*events, events[-1]]).usage == usage


@EVERY
def test_a_recording_of_it_reads_the_same(events: list[dict[str, Any]], usage: Usage, response_id: str | None) -> None:
    lines = "\n".join(map(json.dumps, events)).encode()
    recordings = [sse(events), sse(events, "\r\n", "data: [DONE]\r\n\r\n"), lines, b"\xef\xbb\xbf" + sse(events)]
    for recording in [*recordings, json.dumps(events).encode()]:
        (found,) = read_recorded(recording)
        (reading,) = found.readings
        assert (reading.usage, reading.status) == (usage, "done")


@pytest.mark.parametrize(
    ("events", "usage"),
    [
        (CHAT[:1], Usage()),
        (RESPONSES[:2], Usage()),
        (MESSAGE[:3], Usage(10, cache_read_input_tokens=7)),  # the 1 of the start is no count of the output
        (GEMINI[:1], Usage(8)),
        (COHERE[:2], Usage()),
        (MISTRAL[:2], Usage()),
        (CONVERSE[:4], Usage()),
        ([], Usage()),
    ],
    ids=["chat", "responses", "anthropic", "gemini", "cohere", "mistral", "converse", "nothing"],
)
def test_what_a_cut_stream_did_not_tell_is_missing(events: list[dict[str, Any]], usage: Usage) -> None:
    reading = taken(events)
    assert (reading.usage, reading.status) == (usage, "cut")


def test_a_stream_that_was_not_asked_for_its_usage_is_whole_and_has_none() -> None:
    reading = taken(CHAT[:2])
    assert (reading.usage, reading.status, reading.response_model) == (Usage(), "done", "gpt-5")


def test_usage_in_every_chunk_is_cumulative() -> None:
    chunks = [
        {**CHUNK, "choices": [{"finish_reason": None}], "usage": {"prompt_tokens": 20, "completion_tokens": said}}
        for said in (1, 2, 3)
    ]
    assert taken(chunks).usage == Usage(20, 3)


def test_tokens_of_a_cache_entry_are_split_in_the_first_event_only() -> None:
    start = {"input_tokens": 3, "cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 9}}
    events = [
        {"type": "message_start", "message": {"id": "m", "model": "claude-x", "usage": start}},
        {"type": "message_delta", "usage": {"output_tokens": 5, "cache_creation_input_tokens": 9}},
    ]
    usage = Usage(12, 5, cache_write_input_tokens=9, cache_write_by_ttl=(("1h", 9),))
    assert taken(events).usage == usage


def test_streams_that_follow_each_other_are_not_mixed() -> None:
    second = [{**event, "id": "c2", "usage": event["usage"] and {"prompt_tokens": 1}} for event in CHAT]
    other = [{**MESSAGE[0], "message": {**MESSAGE[0]["message"], "id": "m2"}}, *MESSAGE[3:]]  # type: ignore[dict-item]
    for events, ids in ((CHAT + second, ["c1", "c2"]), (MESSAGE + other, ["m1", "m2"])):
        found = [reading for one in read_recorded(sse(events)) for reading in one.readings]
        assert [reading.response_id for reading in found] == ids
    assert [one.readings[0].usage for one in read_recorded(sse(CHAT + second))] == [Usage(20, 9), Usage(1)]
    twice = "\n".join(map(json.dumps, CONVERSE + CONVERSE)).encode()
    assert [one.line for one in read_recorded(twice)] == [1, 6]


def test_events_that_are_no_json_or_not_known_hide_nothing() -> None:
    reader = StreamReader()
    for data in (b'{"torn', b"\xff", b'{"type":"novel"}', b"[1]", b"7", *map(json.dumps, CHAT)):
        reader.take_data(data if isinstance(data, bytes) else data.encode())
    assert reader.unreadable == 2
    assert reader.readings()[0].usage == Usage(20, 9)


def test_an_invalid_byte_costs_only_its_event() -> None:
    recording = sse(CHAT[:1]) + b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n' + sse(CHAT[1:])
    (found,) = read_recorded(recording)
    assert found.readings[0].usage == Usage(20, 9)


def test_data_of_several_lines_is_one_event() -> None:
    text = json.dumps(CHAT[2], indent=1).replace("\n", "\ndata: ")
    (found,) = read_recorded(sse(CHAT[:2]) + f": keep-alive\n\ndata: {text}\n\n".encode())
    assert found.readings[0].usage == Usage(20, 9)


def test_the_end_of_a_stream_counts_as_its_end() -> None:
    reader = StreamReader()
    reader.take(CHAT[0])
    reader.take_data(b"[DONE]")
    assert reader.readings()[0].status == "done"


def test_a_figure_that_cannot_be_true_is_told_when_it_is_read() -> None:
    reader = StreamReader()
    reader.take({**CHUNK, "choices": [], "usage": {"prompt_tokens": -1}})
    with pytest.raises(RejectedUsageError, match=r"prompt_tokens .* not -1"):
        reader.readings()


def test_groq_tells_the_usage_in_a_place_of_its_own() -> None:
    events = [{**CHUNK, "choices": [{"finish_reason": "stop"}], "x_groq": {"usage": {"prompt_tokens": 4}}}]
    assert taken(events).usage == Usage(4)
