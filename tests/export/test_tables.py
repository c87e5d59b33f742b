"""A run as CSV, as a FOCUS table and as a Chrome trace."""

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.events import CallEvent, SpanEvent
from taximeter.export import focus
from taximeter.export.chrome import ChromeTrace
from taximeter.export.csv import CsvCalls
from taximeter.export.focus import FocusTable
from taximeter.ledger.replay import replay
from taximeter.pricing.cost import Cost
from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.report.synthetic import a_big_run
from tests.runs import SHEET, Writing, call, plan, stage


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return a_big_run(tmp_path_factory.mktemp("run"), 500)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_a_row_for_each_call_and_adds_up(run: RunDir) -> None:
    file = io.StringIO(newline="")
    replay(run, SHEET, CsvCalls(file))
    found, report = rows(file.getvalue()), build(run)
    assert len(found) == report.totals.calls
    assert sum(Decimal(row["cost"]) for row in found if row["cost"]) == report.totals.cost
    bought = [row for row in found if row["cached"] == "false"]
    assert sum(int(row["input_tokens"] or 0) for row in bought) == report.totals.prompt_tokens
    assert {row["run_id"] for row in found} == {run.run_id}
    unpriced = [row for row in found if row["cost_status"] == "unpriced"]
    assert unpriced
    assert {row["cost"] for row in unpriced} == {""}


def test_a_name_is_no_formula(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", call('=HYPERLINK("x")', provider="+1", prompt_tokens=1, completion_tokens=0))
    writing.end("a")
    writing.close()
    file = io.StringIO(newline="")
    replay(writing.run, SHEET, CsvCalls(file))
    (row,) = rows(file.getvalue())
    assert (row["model"], row["provider"]) == ('\'=HYPERLINK("x")', "'+1")


NEVER_EMPTY = (
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
)


def focus_rows(run: RunDir) -> tuple[list[dict[str, str]], FocusTable]:
    table, file = FocusTable(run.run_id), io.StringIO(newline="")
    replay(run, SHEET, table)
    table.write(file)
    return rows(file.getvalue()), table


def test_focus_keeps_the_rules_of_its_columns(run: RunDir) -> None:
    found, _ = focus_rows(run)
    for row in found:
        assert list(row) == list(focus.COLUMNS)
        assert all(row[name] for name in NEVER_EMPTY), row
        assert row["ChargeCategory"] in {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
        assert (row["ChargeClass"], row["BillingCurrency"]) == ("", "USD")
        start, end, month, next_month = (
            datetime.fromisoformat(row[name])
            for name in ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")
        )
        assert (end - start).total_seconds() == 3600
        assert month <= start < next_month
        assert (month.day, month.hour, next_month.day) == (1, 0, 1)
        price, quantity = Decimal(row["ListUnitPrice"]), Decimal(row["PricingQuantity"])
        assert abs(price * quantity - Decimal(row["ListCost"])) < Decimal("0.000001")
        assert "E" not in row["BilledCost"].upper()
        tags = json.loads(row["Tags"])
        assert all(isinstance(value, str) for value in tags.values())
        assert tags["run_id"] == run.run_id


def test_focus_adds_up_to_the_run_and_counts_what_it_leaves_out(run: RunDir) -> None:
    found, table = focus_rows(run)
    report = build(run)
    assert sum(Decimal(row["BilledCost"]) for row in found) == report.totals.cost
    assert table.left_out == report.totals.unpriced_calls
    by_stage = {stage.id: stage.llm_totals.cost for stage in report.stages if stage.llm_totals.cost}
    for stage_id, cost in by_stage.items():
        of_stage = [row for row in found if json.loads(row["Tags"])["stage_id"] == stage_id]
        assert sum(Decimal(row["BilledCost"]) for row in of_stage) == cost


def test_a_billed_call_is_charged_by_the_request(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", *[call("who-knows", prompt_tokens=1, completion_tokens=0, cost=0.25)] * 2)
    writing.end("a")
    writing.close()
    found, _ = focus_rows(writing.run)
    assert sum(Decimal(row["BilledCost"]) for row in found) == Decimal("0.5")


def trace_of(run: RunDir) -> dict[str, Any]:
    trace, file = ChromeTrace(run.run_id), io.StringIO()
    replay(run, SHEET, trace)
    trace.write(file)
    loaded: dict[str, Any] = json.loads(file.getvalue(), parse_float=Decimal)
    return loaded


def check_format(trace: dict[str, Any]) -> None:
    """The rules of the format: whole events, and in each lane only events that are nested or one behind the other."""
    lanes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in trace["traceEvents"]:
        assert event["ph"] in "XCM"
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert event["name"]
        if event["ph"] == "X":
            assert event["ts"] >= 0
            assert event["dur"] >= 0
            lanes.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    for bars in lanes.values():
        under_way: list[int] = []
        for start, end in sorted(bars, key=lambda bar: (bar[0], -bar[1])):
            while under_way and under_way[-1] <= start:
                under_way.pop()
            assert not under_way or end <= under_way[-1]
            under_way.append(end)


def test_a_chrome_trace_keeps_the_rules_of_its_format(run: RunDir) -> None:
    trace = trace_of(run)
    check_format(trace)
    names = {e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    assert {f"run {run.run_id}", "stage summarise", "stage embed"} <= names


def test_its_counters_end_at_the_totals(run: RunDir) -> None:
    counters: dict[str, list[Any]] = {}
    for event in trace_of(run)["traceEvents"]:
        if event["ph"] == "C":
            counters.setdefault(event["name"], []).append(event["args"][event["name"]])
    report = build(run)
    assert counters["cost"][-1] == report.totals.cost
    assert counters["tokens"][-1] == report.totals.prompt_tokens + report.totals.completion_tokens
    assert counters["cost"] == sorted(counters["cost"])
    memory = counters["peak memory of running stages, bytes"]
    assert (max(memory) > 0, memory[-1]) == (True, 0)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50), st.integers(-1, 8)), max_size=30))
def test_bars_of_a_lane_never_overlap(bars: list[tuple[int, int, int]]) -> None:
    trace = ChromeTrace("r")
    for number, (start, length, parent) in enumerate(bars):
        span = SpanEvent(
            event_id=("p", number), run_id="r", trace_id="t", span_id=str(number), kind="span", span="s",
            started_at=float(start), parent_id=str(parent), stage_id="a", ended_at=float(start + length),
            wall_ms=length * 1000.0, status="done",
        )  # fmt: skip
        trace.span(span)
    file = io.StringIO()
    trace.write(file)
    check_format(json.loads(file.getvalue()))


def test_a_call_is_drawn_inside_of_its_span() -> None:
    trace = ChromeTrace("r")
    trace.call(
        CallEvent(event_id=("p", 2), model="m", stage_id="a", span_id="s", started_at=2.0, request_ms=1000.0),
        Cost(None, "USD", "unpriced", "x"),
    )
    trace.span(
        SpanEvent(
            ("p", 1), "r", "t", "s", "span", "ask", 1.0, stage_id="a", ended_at=4.0, wall_ms=3000.0, status="done"
        )
    )
    file = io.StringIO()
    trace.write(file)
    bars = [e for e in json.loads(file.getvalue())["traceEvents"] if e["ph"] == "X"]
    assert [(bar["name"], bar["ts"], bar["dur"], bar["tid"]) for bar in bars] == [
        ("ask", 0, 3_000_000, 1),
        ("m", 1_000_000, 1_000_000, 1),
    ]
