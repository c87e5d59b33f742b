"""`taximeter prices` and `taximeter reprice`."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from taximeter.cli import prices, reprice, usage
from taximeter.cli.failure import page
from taximeter.errors import SetupError
from tests.runs import Writing, call, plan, stage

SHEET = """
models:
- {provider: a, model: m, input: 1, cache_read: 0.1, output: 2, per: 1M}
- {provider: b, model: m, input: 3, per: 1M}
- {provider: b, model: n, free: true}
"""


@pytest.fixture
def sheet(tmp_path: Path) -> str:
    path = tmp_path / "prices.yaml"
    path.write_text(SHEET)
    return str(path)


def ask(command: Any, *arguments: str) -> Any:
    done = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    return json.loads(done.stdout, parse_float=Decimal)


def test_prices_are_listed_by_provider(sheet: str) -> None:
    found = ask(prices.command, "--price-table", sheet, "--provider", "b")
    assert [entry["name"] for entry in found["entries"]] == ["b/m", "b/n"]


def test_explain_takes_inclusive_counts_and_gives_the_lines_of_an_invoice(sheet: str) -> None:
    counts = ("--input", "1000", "--cache-read", "400", "--output", "100")
    found = ask(prices.command, "explain", "m", "--provider", "a", *counts, "--price-table", sheet)
    assert [(item["unit"], item["quantity"]) for item in found["line_items"]] == [
        ("cache_read_input_tokens", 400),
        ("input_tokens", 600),
        ("output_tokens", 100),
    ]
    assert found["amount"] == Decimal("0.00084")  # 400 x 0.1 + 600 x 1 + 100 x 2, per million


def test_more_cached_tokens_than_input_is_an_error(sheet: str) -> None:
    with pytest.raises(SetupError, match="the input has only 1"):
        ask(prices.command, "explain", "m", "--input", "1", "--cache-read", "2", "--price-table", sheet)


def test_explain_refuses_what_nothing_is_known_of(sheet: str) -> None:
    with pytest.raises(SetupError, match="no price of mm"):
        ask(prices.command, "explain", "mm", "--provider", "a", "--output", "1", "--price-table", sheet)
    with pytest.raises(SetupError, match="5x is no time to live"):
        ask(prices.command, "explain", "m", "--ttl", "5x", "--price-table", sheet)


def test_a_model_of_several_providers_is_an_error_that_names_them(sheet: str) -> None:
    with pytest.raises(SetupError, match="m is 2 models: a/m, b/m"):
        ask(prices.command, "show", "m", "--price-table", sheet)
    assert ask(prices.command, "show", "m", "--provider", "b", "--price-table", sheet)["entry"]["name"] == "b/m"


def test_check_counts_the_prices(sheet: str) -> None:
    assert ask(prices.command, "check", sheet)["entries"] == 3


@pytest.mark.parametrize("width", ["80", "200"])
def test_tables_fit_the_terminal(sheet: str, width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    for arguments in (
        ["--price-table", sheet],
        ["explain", "m", "--provider", "a", "--input", "5", "--price-table", sheet],
    ):
        done = CliRunner().invoke(prices.command, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        assert max(map(len, done.stdout.splitlines())) <= int(width)


def test_tiers_of_a_variant_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "tiers.yaml"
    tiers = "{threshold_on: input_tokens, mode: cliff, steps: [{above: 100, input: 3}]}"
    variant = f"{{when: {{service_tier: flex}}, input: 1, tiers: {tiers}}}"
    path.write_text(f"models:\n- {{model: m, input: 2, per: 1M, variants: [{variant}]}}\n")
    done = CliRunner().invoke(prices.command, ["show", "m", "--price-table", str(path)], catch_exceptions=False)
    assert [line.split() for line in done.stdout.splitlines()[2:]] == [
        ["service_tier", "flex"],
        ["input_tokens", "1", "/", "1,000,000"],
        ["above", "100", "input_tokens", "(cliff)"],
        ["input_tokens", "3", "/", "1,000,000"],
    ]


INVOICE = """
models:
- {provider: anthropic, model: "claude-x-*", input: 3, cache_read: 0.30, cache_write: {5m: 3.75, 1h: 6},
   output: 15, per: 1M, valid_from: 2025-03-01, source: price page, as_of: 2025-03-01}
"""


@pytest.mark.parametrize(
    ("written", "read", "amount"),
    [
        (12_304, 0, "0.054399"),  # 3 x $3 + 12,304 x $3.75 + 550 x $15, per million
        (0, 12_304, "0.0119502"),  # 3 x $3 + 12,304 x $0.30 + 550 x $15, per million
    ],
)
def test_an_invoice_from_the_recorded_response_to_the_last_digit(
    tmp_path: Path, written: int, read: int, amount: str
) -> None:
    told = {"input_tokens": 3, "cache_creation_input_tokens": written, "cache_read_input_tokens": read}
    split = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
    body = {"type": "message", "model": "claude-x-1", "usage": {**told, "cache_creation": split, "output_tokens": 550}}
    (tmp_path / "body.json").write_text(json.dumps(body))
    (tmp_path / "prices.yaml").write_text(INVOICE)
    found = ask(usage.command, str(tmp_path / "body.json"))["responses"][0]["readings"][0]
    counted = found["usage"]
    cost = ask(
        *(prices.command, "explain", found["response_model"], "--provider", found["provider"]),
        *("--input", str(counted["input_tokens"]), "--output", str(counted["output_tokens"])),
        *("--cache-read", str(counted["cache_read_input_tokens"])),
        *("--cache-write", str(counted["cache_write_input_tokens"])),
        *("--price-table", str(tmp_path / "prices.yaml")),
    )
    assert (cost["amount"], cost["status"]) == (Decimal(amount), "priced")
    assert sum(item["amount"] for item in cost["line_items"]) == cost["amount"]


@pytest.fixture
def run(tmp_path: Path) -> Writing:
    writing = Writing(tmp_path / "output", plan([stage(1, "one"), stage(2, "two")]))
    for stage_id, tokens in (("one", 1000), ("two", 3000)):
        writing.start(stage_id)
        writing.sink(stage_id, call("big", prompt_tokens=tokens, completion_tokens=0))
        writing.end(stage_id)
    writing.close()
    return writing


def test_a_run_by_its_own_sheet_costs_what_it_did(run: Writing) -> None:
    found = ask(reprice.command, str(run.run.path))
    assert found["sheet_id"] == found["repriced_sheet_id"]
    assert [(s["cost"], s["repriced"]) for s in found["stages"]] == [(Decimal("0.003"),) * 2, (Decimal("0.009"),) * 2]


def test_a_run_by_another_model_of_another_sheet(run: Writing, sheet: str) -> None:
    found = ask(reprice.command, str(run.run.path), "--price-table", sheet, "--map", "big=n")
    assert (found["run"]["cost"], found["run"]["repriced"]) == (Decimal("0.012"), 0)
    assert ask(reprice.command, str(run.run.path), "--price-table", sheet)["unpriced"] == ["big"]


def test_a_sheet_that_calls_an_unknown_model_an_error_prices_no_run_with_one(run: Writing, sheet: str) -> None:
    Path(sheet).write_text(f"on_unknown: error\n{SHEET}")
    with pytest.raises(SetupError) as caught:
        ask(reprice.command, str(run.run.path), "--price-table", sheet)
    assert page(caught.value) == "the sheet has no price of big\n    add it, or say `on_unknown: unpriced`"


def test_a_bill_holds_for_the_same_sheet_only(tmp_path: Path, sheet: str) -> None:
    writing = Writing(tmp_path / "output", plan([stage(1, "one")]))
    writing.start("one")
    writing.sink("one", call("n", prompt_tokens=1000, completion_tokens=0, cost=0.25))
    writing.end("one")
    writing.close()
    assert ask(reprice.command, str(writing.run.path))["run"]["repriced"] == Decimal("0.25")
    assert ask(reprice.command, str(writing.run.path), "--price-table", sheet)["run"]["repriced"] == 0


DATED = """
models:
- {model: d, input: 4, cache_write: {5m: 5, 1h: 8}, per: 1M, valid_to: 2026-03-01}
- {model: d, input: 2, per: 1M, valid_from: 2026-03-01, cache_write: {5m: 2.5, 1h: 4},
   variants: [{when: {processing: batch}, multiply: 0.5}, {when: {service_tier: flex}, input: 1}]}
"""


@pytest.fixture
def dated(tmp_path: Path) -> str:
    path = tmp_path / "dated.yaml"
    path.write_text(DATED)
    return str(path)


@pytest.mark.parametrize(
    ("options", "amount"),
    [
        (["--at", "2026-02-28"], "0.0045"),  # 1,000 x 4 + 100 x 5
        (["--at", "2026-02-28T23:59:59", "--ttl", "1h"], "0.0048"),  # 1,000 x 4 + 100 x 8
        (["--at", "2026-03-01"], "0.00225"),  # 1,000 x 2 + 100 x 2.5
        (["--at", "2026-03-01", "--batch"], "0.001125"),  # half of it
        (["--at", "2026-03-01", "--tier", "flex"], "0.00125"),  # 1,000 x 1 + 100 x 2.5
        (["--at", "2026-03-01", "--tier", "flex", "--batch"], "0.000625"),  # half of that
    ],
)
def test_what_a_request_costs_depends_on_its_time_and_kind(dated: str, options: list[str], amount: str) -> None:
    counted = ("--input", "1100", "--cache-write", "100")
    found = ask(prices.command, "explain", "d", *counted, *options, "--price-table", dated)
    assert (found["amount"], found["status"]) == (Decimal(amount), "priced")


def test_the_rates_of_a_day_are_listed_and_shown(dated: str) -> None:
    for at, rate in (("2026-02-28", 4), ("2026-03-01", 2)):
        (listed,) = ask(prices.command, "--at", at, "--price-table", dated)["entries"]
        shown = ask(prices.command, "show", "d", "--at", at, "--price-table", dated)["entry"]
        assert listed == shown
        assert shown["rates"]["input_tokens"] == [rate, 1_000_000]


def test_a_run_at_another_time(tmp_path: Path, dated: str) -> None:
    writing = Writing(tmp_path / "output", plan([stage(1, "one")]))
    writing.start("one")
    writing.sink("one", call("d", prompt_tokens=1000, completion_tokens=0, created_at="2026-03-02T00:00:00Z"))
    writing.end("one")
    writing.close()
    run = str(writing.run.path)
    assert ask(reprice.command, run, "--price-table", dated)["run"]["repriced"] == Decimal("0.002")
    assert ask(reprice.command, run, "--price-table", dated, "--at", "2026-02-28")["run"]["repriced"] == Decimal(
        "0.004"
    )
