"""Two runs side by side."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.errors import RunDirError, SetupError
from taximeter.ledger import manifest
from taximeter.ledger.manifest import GitState, ManifestLine
from taximeter.pricing.sheet import Sheet
from taximeter.report import records
from taximeter.report.diff import Comparison, compare
from taximeter.report.diff_view import record
from taximeter.report.effects import split
from taximeter.report.side import baseline, open_side
from taximeter.rundir import OutputDir
from tests.prices import card
from tests.runs import SHEET, Writing, call, plan, stage

CHEAPER = Sheet(entries=(card("big", "0.0015", "0.015"), card("small", "0.0000004"), card("young", "0.001", "0.002")))


def a_run(folder: Path, run_id: str, *calls: dict[str, object], sheet: Sheet = SHEET, **params: object) -> None:
    writing = Writing(folder, plan([stage(1, "ask", params=params), stage(2, "rest")]), run_id, sheet)
    writing.start("ask")
    writing.sink("ask", *calls)
    writing.end("ask")
    writing.start("rest")
    writing.end("rest", seconds=1)
    writing.close()


def compared(folder: Path, before: str = "before", now: str = "now") -> Comparison:
    return compare(open_side(before, OutputDir(folder)), open_side(now, OutputDir(folder)))


def effects(comparison: Comparison) -> tuple[str, str, str]:
    found = comparison.run.effects
    assert found is not None
    return tuple(f"{amount.normalize():f}" for amount in (found.usage, found.price, found.mix))  # type: ignore[return-value]


def test_the_same_work_costs_the_same(tmp_path: Path) -> None:
    for run_id in ("before", "now"):
        a_run(tmp_path, run_id, call(prompt_tokens=1000, completion_tokens=100))
    comparison = compared(tmp_path)
    assert effects(comparison) == ("0", "0", "0")
    assert comparison.changes == ()
    assert [pair.stage_id for pair in comparison.stages] == ["ask", "rest"]


def test_more_of_the_same_is_usage(tmp_path: Path) -> None:
    # 1,000 in and 100 out at $3 and $15 a million are $0.0045; three times that is $0.0135.
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=100))
    a_run(tmp_path, "now", *[call(prompt_tokens=1000, completion_tokens=100)] * 3)
    assert effects(compared(tmp_path)) == ("0.009", "0", "0")


def test_another_price_is_not_usage(tmp_path: Path) -> None:
    # Input at half its price: 1,000 tokens for $0.0015 less.
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=100))
    a_run(tmp_path, "now", call(prompt_tokens=1000, completion_tokens=100), sheet=CHEAPER)
    comparison = compared(tmp_path)
    assert effects(comparison) == ("0", "-0.0015", "0")
    assert "price big input_tokens: 3 per 1,000,000 → 1.5 per 1,000,000" in map(str, comparison.changes)


def test_a_price_is_that_of_the_model_however_its_entry_is_called(tmp_path: Path) -> None:
    """A built-in price is named by provider and first day; a later one, or one of a person's own, otherwise."""
    for run_id, name, rate in (("before", "openai/big@2026-01-01", "0.003"), ("now", "big@2026-02-01", "0.004")):
        entry = msgspec.structs.replace(card("big", rate, "0.015"), name=name)
        a_run(tmp_path, run_id, call(prompt_tokens=1000, completion_tokens=100), sheet=Sheet(entries=(entry,)))
    prices = [str(change) for change in compared(tmp_path).changes if change.kind == "price"]
    assert prices[0] == "price big input_tokens: 3 per 1,000,000 → 4 per 1,000,000"
    assert [price.partition(":")[0] for price in prices] == ["price big input_tokens", "price sheet"]


def test_another_model_is_mix(tmp_path: Path) -> None:
    # 1,000 tokens of `big` for $0.003 become 1,000 of `small` for $0.0000004.
    a_run(tmp_path, "before", call("big", prompt_tokens=1000, completion_tokens=0), model="big")
    a_run(tmp_path, "now", call("small", prompt_tokens=1000, completion_tokens=0), model="small")
    comparison = compared(tmp_path)
    assert effects(comparison) == ("0", "0", "-0.0029996")
    assert [str(change) for change in comparison.changes] == [
        "parameter ask.model: big → small",
        "model ask: big → small",
    ]


def test_usage_price_and_mix_at_once(tmp_path: Path) -> None:
    # Before: 1,000 in of `big` = $0.003. Now: 2,000 in and 500 out of it at the cheaper sheet = $0.003 + $0.0075.
    # At the old prices that is $0.006 + $0.0075 = $0.0135, so price is -$0.003. 2.5 times the tokens at the old
    # cost are $0.0075, so usage is +$0.0045 and mix +$0.006.
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=0))
    a_run(tmp_path, "now", call(prompt_tokens=2000, completion_tokens=500), sheet=CHEAPER)
    assert effects(compared(tmp_path)) == ("0.0045", "-0.003", "0.006")


def test_a_model_without_an_old_price_is_mix_and_named(tmp_path: Path) -> None:
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=0))
    a_run(tmp_path, "now", call("young", prompt_tokens=1000, completion_tokens=0), sheet=CHEAPER)
    comparison = compared(tmp_path)
    assert effects(comparison) == ("0", "0", "-0.002")
    assert "Without a price in before, so counted as mix: young." in comparison.notes


def test_a_bill_stays_a_bill(tmp_path: Path) -> None:
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=0, cost=0.5))
    a_run(tmp_path, "now", call(prompt_tokens=1000, completion_tokens=0, cost=0.75), sheet=CHEAPER)
    assert effects(compared(tmp_path)) == ("0", "0", "0.25")


def test_stages_come_and_go(tmp_path: Path) -> None:
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=0))
    writing = Writing(tmp_path, plan([stage(1, "new"), stage(2, "rest")]), "now")
    writing.start("new")
    writing.sink("new", call(prompt_tokens=2000, completion_tokens=0))
    writing.end("new")
    writing.close("failed", "stage rest: exit code 1")
    comparison = compared(tmp_path)
    there = [(pair.stage_id, pair.before is not None, pair.now is not None) for pair in comparison.stages]
    assert there == [("new", False, True), ("rest", True, True), ("ask", True, False)]
    assert effects(comparison) == ("0.003", "0", "0")  # what is new, less what is gone
    assert {"stage new: - → there", "stage ask: there → -"} <= set(map(str, comparison.changes))
    assert "now is failed: its figures are of what it did." in comparison.notes


def test_the_commit_is_named(tmp_path: Path) -> None:
    for number, run_id in enumerate(("before", "now")):
        a_run(tmp_path, run_id)
        manifest.append(OutputDir(tmp_path), ManifestLine(run_id, git=GitState(str(number) * 40, number == 1)))
    assert "commit: 000000000000 → 111111111111 and changes" in map(str, compared(tmp_path).changes)


def test_a_secret_in_a_parameter_is_not_told(tmp_path: Path) -> None:
    a_run(tmp_path, "before", api_key="sk-abcdefgh12345678")
    a_run(tmp_path, "now", api_key="sk-ijklmnop12345678")
    told = json.dumps([str(change) for change in compared(tmp_path).changes])
    assert "sk-" not in told


def test_two_currencies_cannot_be_compared(tmp_path: Path) -> None:
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=0))
    euro = Sheet(currency="EUR", entries=SHEET.entries)
    a_run(tmp_path, "now", call(prompt_tokens=1000, completion_tokens=0), sheet=euro)
    with pytest.raises(RunDirError, match="before is in USD and now in EUR: reprice one of them first"):
        compared(tmp_path)


def test_a_baseline_stands_for_its_run(tmp_path: Path) -> None:
    a_run(tmp_path, "before", call(prompt_tokens=1000, completion_tokens=0), model="big")
    a_run(tmp_path, "now", call(prompt_tokens=2000, completion_tokens=0), sheet=CHEAPER, model="big")
    output = OutputDir(tmp_path)
    output.baselines.mkdir()
    output.baseline("main").write_bytes(baseline(open_side("before", output)))
    kept, live = compared(tmp_path, "main"), compared(tmp_path)
    assert record(kept) == record(live)
    assert kept.before.run is None
    backwards = compared(tmp_path, "now", "main")
    assert backwards.run.effects is None
    assert any("why its cost differs cannot be told" in note for note in backwards.notes)


def test_what_is_kept_is_small_and_has_no_calls(tmp_path: Path) -> None:
    a_run(tmp_path, "r", *[call(prompt_tokens=1000, completion_tokens=0, request_id=f"request-{n}") for n in range(99)])
    kept = baseline(open_side("r", OutputDir(tmp_path)))
    assert b"request-" not in kept
    assert b'"name": "small"' not in kept  # a price that was not used
    assert len(kept) < 20_000


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"schema_version":"plan_v1"}', b"\xff", b'{"schema_version":1}']
)
def test_a_file_that_is_no_baseline_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(content)
    with pytest.raises(SetupError, match="this is not the file of a baseline: ") as caught:
        open_side(str(path), OutputDir(tmp_path))
    assert caught.value.problems[0].hint == "`taximeter baseline save` writes one"


money = st.decimals(0, 10**6, places=12)
tokens = st.integers(0, 10**9)


@st.composite
def totals(draw: st.DrawFn) -> records.Totals:
    calls = draw(st.integers(0, 100))
    if not calls:
        return records.Totals()
    return records.Totals(
        calls=calls, prompt_tokens=draw(tokens), completion_tokens=draw(tokens), cost=draw(st.none() | money)
    )


@given(totals(), totals(), money)
def test_the_effects_add_up_exactly(before: records.Totals, after: records.Totals, at_old: Decimal) -> None:
    found = split(before, after, at_old)
    assert found.total == (after.cost or 0) - (before.cost or 0)


@given(totals(), st.integers(1, 50))
def test_without_other_work_and_other_prices_all_is_usage(before: records.Totals, times: int) -> None:
    grown = records.Totals(
        calls=before.calls * times,
        prompt_tokens=before.prompt_tokens * times,
        completion_tokens=before.completion_tokens * times,
        cost=None if before.cost is None else before.cost * times,
    )
    found = split(before, grown, grown.cost or Decimal(0))
    assert (found.price, found.mix) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from(["big", "small", "young"]), st.integers(0, 9999)), max_size=6), st.data())
def test_stages_add_up_to_the_run(
    tmp_path_factory: pytest.TempPathFactory, old: list[tuple[str, int]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    new = data.draw(st.lists(st.tuples(st.sampled_from(["big", "small", "young"]), st.integers(0, 9999)), max_size=6))
    a_run(folder, "before", *(call(model, prompt_tokens=n, completion_tokens=n // 7) for model, n in old))
    a_run(folder, "now", *(call(model, prompt_tokens=n, completion_tokens=n // 5) for model, n in new), sheet=CHEAPER)
    comparison = compared(folder)
    found = record(comparison)
    did, does = (side["cost"] or 0 for side in (found["run"]["before"], found["run"]["now"]))
    assert found["run"]["cost_effects"]["total"] == does - did
    for effect in ("usage", "price", "mix"):
        assert sum(s["cost_effects"][effect] for s in found["stages"]) == found["run"]["cost_effects"][effect]
