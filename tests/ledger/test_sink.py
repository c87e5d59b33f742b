"""Lines that any program may have written."""

from decimal import Decimal

import pytest

from taximeter.events import CallEvent
from taximeter.ledger.sink import SinkCall, SinkItems, SinkRejected, Torn, read_records
from taximeter.numbers import to_json
from taximeter.usage import SUBSETS, Usage, violations

CALL = b'{"schema_version":"instrumentation_call_v1","model":"m","prompt_tokens":1,"tags":{"a":"b"}}'


def test_a_call_becomes_an_event_named_by_its_file_and_offset() -> None:
    data = b"""{"schema_version":"instrumentation_call_v1","kind":"embedding","model":"m","provider":"p",
        "prompt_tokens":3,"completion_tokens":4,"cached":true,"request_ms":5,"request_id":"q","cost":0.000000000001,
        "response_model":"m-2","processing":"batch","service_tier":"flex","region":"eu","speed":"fast",
        "tags":{"t":"u"},"stage_id":"its own","run_id":"its own",
        "created_at":"2026-01-01T00:00:00Z","cache_read_input_tokens":2,"more":[1]}"""
    (record,) = read_records(data)
    assert isinstance(record, SinkCall)
    assert record.to_event(("01_s/calls.1.jsonl", 17), "r", "s", 2) == CallEvent(
        event_id=("01_s/calls.1.jsonl", 17),
        run_id="r",
        stage_id="s",
        attempt=2,
        kind="embedding",
        provider="p",
        model="m",
        response_model="m-2",
        usage=Usage(input_tokens=3, output_tokens=4, cache_read_input_tokens=2),
        usage_source="user",
        cached=True,
        processing="batch",
        service_tier="flex",
        region="eu",
        request_id="q",
        started_at=1_767_225_600.0,
        request_ms=5,
        provider_cost=Decimal("0.000000000001"),
        captured_by="sink",
        tags={"t": "u"},
        meta={"speed": "fast"},
    )


def test_a_call_without_counts_is_missing_usage() -> None:
    (record,) = read_records(b'{"schema_version":"instrumentation_call_v1","model":"m"}')
    assert isinstance(record, SinkCall)
    assert record.to_event(("f", 0), "r", "s", 1).usage_source == "missing"


def test_every_subset_and_open_count_of_a_line_reaches_the_usage() -> None:
    subsets = {name: position for position, name in enumerate(SUBSETS)}
    totals = {"prompt_tokens": 1000, "completion_tokens": 1000}
    named = {"cache_write_by_ttl": {"5m": 1, "1h": 0}, "counters": {"images": 2}}
    (record,) = read_records(
        to_json({"schema_version": "instrumentation_call_v1", "model": "m", **totals, **subsets, **named})
    )
    assert isinstance(record, SinkCall)
    event = record.to_event(("f", 0), "r", "s", 1)
    assert event.usage == Usage(
        1000, 1000, **subsets, cache_write_by_ttl=(("1h", 0), ("5m", 1)), counters=(("images", 2),)
    )


def test_what_a_price_depends_on_reaches_the_event() -> None:
    terms = b'"processing":"batch","service_tier":"flex","speed":"fast","inference_geo":"us","region":"eu"'
    (record,) = read_records(CALL.replace(b'"tags"', terms + b',"tags"'))
    assert isinstance(record, SinkCall)
    event = record.to_event(("f", 0), "r", "s", 1)
    assert (event.processing, event.service_tier, event.region) == ("batch", "flex", "eu")
    assert event.meta == {"speed": "fast", "inference_geo": "us"}


def test_counts_that_contradict_each_other_are_kept_with_the_reason() -> None:
    (record,) = read_records(CALL.replace(b'"tags"', b'"cache_read_input_tokens":2,"tags"'))
    assert isinstance(record, SinkCall)
    event = record.to_event(("f", 0), "r", "s", 1)
    assert (event.usage.input_tokens, event.usage.cache_read_input_tokens) == (1, 2)
    assert event.inconsistent == violations(event.usage) != ()


def test_items_and_rejections_are_read() -> None:
    (items,) = read_records(b'{"schema_version":"instrumentation_items_v1","items":5,"direction":"in"}')
    (rejected,) = read_records(b'{"schema_version":"instrumentation_rejected_v1","reason":"why"}')
    assert items == SinkItems(5, "in")
    assert rejected == SinkRejected("why")


@pytest.mark.parametrize(
    "field",
    [
        b'"prompt_tokens":-1',
        b'"prompt_tokens":true',
        b'"prompt_tokens":1.5',
        b'"prompt_tokens":9223372036854775808',
        b'"prompt_tokens":"5"',
        b'"cost":-1',
        b'"request_ms":-1',
        b'"model":""',
        b'"model":5',
        b'"kind":"video"',
        b'"audio_input_tokens":-1',
        b'"processing":"soon"',
        b'"service_tier":5',
        b'"cache_write_by_ttl":{"5m":1.5}',
        b'"counters":{"images":true}',
    ],
)
def test_figures_that_cannot_be_true_are_rejected_with_the_reason(field: bytes) -> None:
    (record,) = read_records(b'{"schema_version":"instrumentation_call_v1","model":"m",' + field + b"}")
    assert isinstance(record, SinkRejected)
    assert record.reason


def test_json_that_is_no_record_is_rejected() -> None:
    for data in (b"[]", b"5", b'{"model":"m","prompt_tokens":3}', b'{"schema_version":"other_v1"}'):
        assert isinstance(read_records(data)[0], SinkRejected)


@pytest.mark.parametrize("data", [b"{", b'{"schema_version":"instrum', b' {"a":1', CALL[:-1]])
def test_the_beginning_of_a_record_is_torn(data: bytes) -> None:
    assert read_records(data) == [Torn()]


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"\xff\xfe",
        b"\0\0",
        b"[" * 5000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"schema_version":"instrumentation_call_v1","model":"m","cost":NaN}',
        b'{"schema_version":"instrumentation_call_v1","model":"m","cost":1e400}',
        b'{"schema_version":"instrumentation_call_v1","model":"m","cost":1e60}',
        b'{"schema_version":"instrumentation_call_v1","model":"m","provider":"\xff"}',
        b'{"schema_version":"instrumentation_call_v1","model":"m","created_at":"0001-01-01T00:00:00+10:00"}',
        b'{"schema_version":"instrumentation_call_v1","model":"m","created_at":"9999-12-31T23:59:59-10:00"}',
    ],
)
def test_what_is_whole_and_wrong_is_rejected_with_a_reason(data: bytes) -> None:
    (record,) = read_records(data)
    assert isinstance(record, SinkRejected)
    assert record.reason


@pytest.mark.parametrize("cut", [1, 10, 40, 60, 85, len(CALL) - 1])
def test_a_record_behind_the_stump_of_a_torn_one_is_found(cut: int) -> None:
    torn, record = read_records(CALL[:cut] + CALL)
    assert torn == Torn()
    assert isinstance(record, SinkCall)
