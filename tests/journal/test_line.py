"""Whatever a program puts into an event, it becomes one line of JSON with its figures."""

import hashlib
import json
import math
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.journal.line import MAX_LINE, to_line
from taximeter.usage import Usage

CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


class Unkind:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


class UnkindText(str):
    def __str__(self) -> str:
        raise RuntimeError("no")

    def encode(self, *args: Any) -> bytes:
        raise RuntimeError("no")


def strictly(line: bytes) -> Any:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return json.loads(line, parse_constant=refuse)


def span(**fields: Any) -> SpanEvent:
    given = {"run_id": "r", "trace_id": "t", "span_id": "s", "span": "x", **fields}
    return SpanEvent(event_id=("p", 1), kind="span", started_at=1.0, **given)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("\ud800x", "\\ud800x"),
        (UnkindText("\udfff"), "\\udfff"),
        ("a\u2028b\nc", "a\u2028b\nc"),
        (math.nan, None),
        (-math.inf, None),
        (Decimal("NaN"), "NaN"),
        (10**30, 10**30),
        (10**5000, "<an integer of 16610 bits>"),
        (Unkind(), "<Unkind>"),
        ([Unkind(), 1], ["<Unkind>", 1]),
        ((1, {"\ud800"}), [1, ["\\ud800"]]),
        (
            {None: 1, (1, 2): 2, Unkind(): 3},
            {"None": 1, "<tuple, nested too deeply>": 2, "<Unkind, nested too deeply>": 3},
        ),
        ({Decimal("NaN"): 1}, {"NaN": 1}),
        (b"\xff", "/w=="),
        (1 + 2j, "<complex>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_strange_value_becomes_plain(value: Any, kept: Any) -> None:
    line = strictly(to_line(span(meta={"value": value})))
    assert line["meta"] == {"value": kept}
    priced = to_line(span(meta={"value": value}, cost_usd={"total": Decimal("0.1")}))
    assert strictly(priced)["cost_usd"] == {"total": 0.1}


def test_a_cycle_ends() -> None:
    line = to_line(span(meta={"cycle": CYCLE}))
    assert "nested too deeply" in json.dumps(strictly(line))


@pytest.mark.parametrize(
    "event",
    [
        span(span="\ud800", tokens={"a": 10**5000, "b": 2}, tags={"\ud800": "\ud800"}, error=UnkindText("\ud800")),
        CallEvent(event_id=("p", 2), model="\ud800", usage=Usage(input_tokens=10**5000, output_tokens=3)),
        CallEvent(event_id=("p", 3), model="m", provider_cost=Decimal("NaN")),
        CallEvent(event_id=("p", 4), model="m", request_ms=math.inf, meta={"x": Unkind()}),
    ],
)
def test_a_figure_that_cannot_be_true_is_absent_and_the_others_stay(event: Event) -> None:
    line = to_line(event)
    strictly(line)
    read = msgspec.json.decode(line, type=SpanEvent | CallEvent)
    assert read.event_id == event.event_id
    if isinstance(read, SpanEvent):
        assert read.tokens == {"b": 2}
        assert read.tags == {"\\ud800": "\\ud800"}
    else:
        assert read.provider_cost is None
        assert read.request_ms is None
        assert read.usage.input_tokens is None
        assert read.usage.output_tokens == event.usage.output_tokens  # type: ignore[union-attr]


def test_an_event_that_is_too_large_keeps_its_figures_and_what_tells_its_payload_again() -> None:
    event = CallEvent(
        event_id=("p", 1),
        model="m",
        usage=Usage(input_tokens=5),
        provider_cost=Decimal("0.25"),
        tags={"user": "u"},
        meta={"prompt": "x" * MAX_LINE},
    )
    whole = msgspec.json.Encoder(decimal_format="number").encode(event)
    read = msgspec.json.decode(to_line(event), type=CallEvent)
    assert (read.usage.input_tokens, read.provider_cost, read.tags) == (5, Decimal("0.25"), {"user": "u"})
    assert read.meta == {"payload": {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}}


def test_no_event_makes_a_line_over_256_kib() -> None:
    huge = "\0" * MAX_LINE
    texts = dict.fromkeys(("run_id", "trace_id", "span_id", "error", "stage", "stage_id", "node", "llm_model"), huge)
    maps = {name: {huge: 1} for name in ("tokens", "resources", "losses", "tags", "meta", "cost_usd")}
    line = to_line(span(**texts, **maps))
    strictly(line)
    assert len(line) <= MAX_LINE
    assert len(to_line(span(meta={"x": "y" * (MAX_LINE - 400)}))) > MAX_LINE - 400
