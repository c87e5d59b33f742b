"""Questions in SQL about real run directories."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.errors import SetupError
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.query.answer import Store
from taximeter.query.compact import compact, is_compact, parquet
from taximeter.query.store import open_store
from taximeter.query.tables import OF_RUN
from taximeter.query.top import KEYS, top
from taximeter.query.zone import local_zone
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.runs import known_runs, run_totals
from taximeter.rundir import OutputDir, RunDir
from tests.report.synthetic import a_big_run
from tests.runs import Writing, call, plan, stage


def report_of(run: RunDir) -> bytes:
    return json.render(build(run)).encode()


def views(folder: Path) -> Store:
    output = OutputDir(folder)
    return open_store(output, known_runs(output), report_of)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run that is compact, one that is not, one that goes on, one that is gone."""
    folder = tmp_path_factory.mktemp("runs")
    for run_id, calls in (("compact", 400), ("loose", 300)):
        run = a_big_run(folder, calls, run_id)
        report = build(run)
        line = ManifestLine(run_id, "nightly", started_at=report.started_at, ended_at=report.ended_at, status="done")
        manifest.append(OutputDir(folder), line)
        manifest.append(OutputDir(folder), ManifestLine(run_id, totals=run_totals(report), tags=report.tags))
    compact(OutputDir(folder).run("compact"), report_of)
    going = Writing(folder, plan([stage(1, "a")]), "going")
    going.start("a")
    going.sink("a", call(prompt_tokens=1000, completion_tokens=0, tags={"user": "bo"}), b'{"half')
    manifest.append(OutputDir(folder), ManifestLine("gone", "nightly", started_at="2025-01-01T00:00:00Z"))
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    yield views(folder)


def test_sums_are_those_of_the_reports_to_the_last_digit(store: Store, folder: Path) -> None:
    rows = store.ask(
        "SELECT run_id, count(*), sum(cost), sum(input_tokens) FROM calls WHERE NOT cached GROUP BY 1"
    ).rows
    found = {run_id: (cost, tokens) for run_id, _, cost, tokens in rows}
    for run_id in ("compact", "loose", "going"):
        totals = build(OutputDir(folder).run(run_id)).totals
        assert found[run_id] == (totals.cost, totals.prompt_tokens)
    assert store.left_out == ("gone",)


def test_a_run_tells_the_same_compact_or_not(store: Store, folder: Path) -> None:
    run = OutputDir(folder).run("loose")
    before = {table: store.ask(f"SELECT * FROM {table} WHERE run_id = 'loose' ORDER BY ALL").rows for table in OF_RUN}
    compact(run, report_of)
    assert is_compact(run)
    again = views(folder)
    for table, rows in before.items():
        assert again.ask(f"SELECT * FROM {table} WHERE run_id = 'loose' ORDER BY ALL").rows == rows
        assert parquet(run.tables, table).exists()


def test_line_items_are_the_cost(store: Store) -> None:
    rows = store.ask(
        "SELECT run_id, call_id, cost, sum(amount) FROM calls JOIN line_items USING (run_id, call_id) GROUP BY ALL"
    ).rows
    assert len(rows) > 500
    assert all(cost == amount for _, _, cost, amount in rows)


def test_stages_and_attempts_are_those_of_the_report(store: Store, folder: Path) -> None:
    report = build(OutputDir(folder).run("compact"))
    rows = store.ask("SELECT stage_id, status, attempts, cost FROM stages WHERE run_id = 'compact' ORDER BY 1").rows
    assert rows == sorted((s.id, s.status, len(s.attempts), s.llm_totals.cost) for s in report.stages)
    ((attempts,),) = store.ask("SELECT count(*) FROM attempts WHERE run_id = 'compact'").rows
    assert attempts == sum(len(s.attempts) for s in report.stages)
    ((spans,),) = store.ask("SELECT count(*) FROM spans WHERE run_id = 'compact' AND kind = 'span'").rows
    assert spans == sum(node.count for node in report.spans.nodes)


def test_runs_of_which_only_a_line_is_left_are_listed(store: Store) -> None:
    assert store.ask("SELECT recipe, calls FROM runs WHERE run_id = 'gone'").rows == [("nightly", None)]


def test_money_is_decimal_and_unknown_is_null(store: Store) -> None:
    ((kind,),) = store.ask("SELECT DISTINCT typeof(cost) FROM calls").rows
    assert kind == "DECIMAL(38,12)"
    ((unpriced,),) = store.ask("SELECT count(*) FROM calls WHERE cost IS NULL AND cost_status = 'unpriced'").rows
    assert unpriced > 0


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nope FROM calls", "SELECT 1/'x'", "", ";", "-- calls"])
def test_a_question_that_is_not_understood_is_told(store: Store, sql: str) -> None:
    with pytest.raises(SetupError, match="the question cannot be answered: ") as caught:
        store.ask(sql)
    with pytest.raises(SetupError, match="the question cannot be answered: "):
        store.arrow(sql)
    hint = "the views are runs, stages, attempts, spans, calls, line_items; `DESCRIBE calls` shows the columns of one"
    assert caught.value.problems[0].hint == hint


WRITE = """
import sys
from tests.query.test_store import compact, report_of
from taximeter.rundir import OutputDir
from pathlib import Path
run = OutputDir(Path(sys.argv[1])).run("r")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(10):
    compact(run, report_of)
"""


@pytest.mark.slow
def test_many_write_tables_while_others_read(tmp_path: Path) -> None:
    run = a_big_run(tmp_path, 300, "r")
    expected = build(run).totals.calls
    how: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": Path(__file__).parents[2]}
    with ExitStack() as stack:
        start = [sys.executable, "-c", WRITE, str(tmp_path)]
        writers = [stack.enter_context(subprocess.Popen(start, **how)) for _ in range(3)]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
        while any(writer.poll() is None for writer in writers):
            ((calls,),) = views(tmp_path).ask("SELECT count(*) FROM calls").rows
            assert calls == expected
    assert [writer.returncode for writer in writers] == [0] * 3
    assert is_compact(run)
    assert not list(run.path.glob("*.tmp"))


def test_a_run_that_goes_on_after_it_was_compact_is_read_anew(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    writing.end("a")
    writing.close()
    compact(writing.run, report_of)
    assert is_compact(writing.run)
    writing.sit_down_again()
    writing.start("a", 2)
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    assert not is_compact(writing.run)
    assert views(tmp_path).ask("SELECT count(*) FROM calls").rows == [(2,)]


@pytest.mark.parametrize("by", KEYS)
def test_the_money_of_all_runs_by_any_key(store: Store, by: str) -> None:
    ((cost,),) = store.ask("SELECT sum(cost) FROM calls").rows
    rows = top(store, by, None)
    assert [row.cost or Decimal(-1) for row in rows] == sorted((row.cost or Decimal(-1) for row in rows), reverse=True)
    if by != "tag":
        assert sum(row.cost or 0 for row in rows) == cost
        assert sum(row.calls for row in rows) == store.ask("SELECT count(*) FROM calls").rows[0][0]


def test_tags_of_run_and_call_are_keys(store: Store) -> None:
    found = {row.key: row.calls for row in top(store, "tag", None)}
    assert found["user=bo"] == 1
    assert found["team=search"] == 700


def test_only_what_is_new(store: Store) -> None:
    assert top(store, "run", datetime.now(UTC) + timedelta(days=1)) == []
    assert len(top(store, "run", datetime(2025, 1, 1, tzinfo=UTC))) == 3


def test_days_are_those_of_the_person_who_asks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # 25 hours apart
        monkeypatch.setenv("TZ", zone)
        assert local_zone() == zone
        days.append({row.key for row in top(views(folder), "day", None)})
    assert days[0] != days[1]
    monkeypatch.setenv("TZ", "no/where")
    assert local_zone() == "UTC"


def test_without_any_run_there_are_empty_views(tmp_path: Path) -> None:
    store = views(tmp_path)
    for table in ("runs", *OF_RUN):
        assert store.ask(f"SELECT * FROM {table}").rows == []
