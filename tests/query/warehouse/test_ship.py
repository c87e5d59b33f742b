"""Runs that are sent to a warehouse: again, at once, while they go on, and by somebody who is killed."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taximeter.query.store import open_store as open_folder
from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.connect import Warehouse, open_warehouse
from taximeter.query.warehouse.migrate import migrate
from taximeter.query.warehouse.ship import Shipment
from taximeter.query.warehouse.store import open_store
from taximeter.report.build import build
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir
from tests.query.warehouse.sums import facts_of, report_of, same, ship
from tests.report.synthetic import a_big_run
from tests.runs import Writing, call, plan, stage

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture
def opened(warehouse: str) -> Any:
    with open_warehouse(parse_address(warehouse)) as opened:
        migrate(opened)
        yield opened


def ask(warehouse: str, sql: str) -> list[tuple[Any, ...]]:
    with open_store(parse_address(warehouse)) as store:
        return store.ask(sql).rows


def compared(folder: Path, warehouse: str) -> None:
    output = OutputDir(folder)
    with open_store(parse_address(warehouse)) as store:
        same(open_folder(output, known_runs(output), report_of), store)


VIEWS = ("costs", "cost_by_day", "cost_by_model", "cost_by_stage", "line_items")


def everything(warehouse: str) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("runs", "stages", "attempts", "spans", "calls", *VIEWS)
    return {table: ask(warehouse, f"SELECT * FROM {table} ORDER BY ALL") for table in tables}


def test_sending_again_changes_nothing(tmp_path: Path, warehouse: str, opened: Warehouse) -> None:
    run = a_big_run(tmp_path, 300, "r")
    sent = ship(run, opened)
    before = everything(warehouse)
    assert ship(run, opened) == sent
    assert opened.query("SELECT count() FROM calls").result_rows[0][0] > sent["calls"]  # they are there twice
    assert everything(warehouse) == before
    totals = build(run).totals
    for view in VIEWS[1:4]:  # a reader who knows nothing of it gets the same from the views
        ((calls, cost),) = opened.query(f"SELECT sum(calls), sum(cost) FROM {view}").result_rows
        assert (calls, cost) == (totals.calls, totals.cost)
    compared(tmp_path, warehouse)


def test_of_a_run_that_goes_on_the_later_state_wins(tmp_path: Path, warehouse: str, opened: Warehouse) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a"), stage(2, "b")]))
    lock = writing.run.lock()
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    shipment = Shipment(writing.run, opened, facts_of)
    assert shipment.send()["calls"] == 1
    assert ask(warehouse, "SELECT status, calls FROM runs") == [("running", 1)]
    assert ask(warehouse, "SELECT stage_id, status FROM stages ORDER BY 1") == [("a", "running"), ("b", "pending")]
    old = facts_of(writing.run)
    writing.sink("a", call(prompt_tokens=500, completion_tokens=0))
    writing.end("a")
    writing.start("b")
    writing.end("b")
    writing.close()
    lock.close()
    assert shipment.send() == {"calls": 1, "spans": 3, "attempts": 2, "stages": 2, "runs": 1}
    assert ask(warehouse, "SELECT status, calls FROM runs") == [("done", 2)]
    assert ask(warehouse, "SELECT stage_id, status FROM stages ORDER BY 1") == [("a", "done"), ("b", "done")]
    assert ask(warehouse, "SELECT DISTINCT status FROM spans") == [("done",)]
    compared(tmp_path, warehouse)
    late = Shipment(RunDir(tmp_path / "runs/r"), opened, lambda _: old)  # somebody is late with what he had seen
    late._replay.take = lambda: None
    late.send()
    assert ask(warehouse, "SELECT status, calls FROM runs") == [("done", 2)]


def test_many_send_the_same_run_at_once(tmp_path: Path, warehouse: str) -> None:
    run = a_big_run(tmp_path, 400, "r")

    def send(_: int) -> None:
        with open_warehouse(parse_address(warehouse)) as opened:
            migrate(opened)
            ship(run, opened)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    compared(tmp_path, warehouse)


def test_one_who_is_killed_is_followed_by_another(tmp_path: Path, warehouse: str, opened: Warehouse) -> None:
    run = a_big_run(tmp_path, 1_000, "r")
    script = f"""
import sys
from pathlib import Path
from taximeter.query import rows
from taximeter.query.warehouse.connect import Warehouse, open_warehouse
from taximeter.query.warehouse.address import parse_address
from taximeter.rundir import OutputDir
from tests.query.warehouse.sums import ship
rows.BATCH = 50
insert = Warehouse.insert
def told(self, table, batch):
    insert(self, table, batch)
    print(table, flush=True)
Warehouse.insert = told
with open_warehouse(parse_address({warehouse!r})) as opened:
    ship(OutputDir(Path({str(tmp_path)!r})).run("r"), opened)
"""
    for batches in (1, 4, 9):
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as shipper:
            assert shipper.stdout is not None
            for _ in range(batches):
                assert shipper.stdout.readline() == b"calls\n"
            os.kill(shipper.pid, signal.SIGKILL)
        assert 0 < ask(warehouse, "SELECT count() FROM calls")[0][0] < 1_000
        assert ask(warehouse, "SELECT count() FROM runs") == [(0,)]  # it is told of once it is there whole
    ship(run, opened)
    compared(tmp_path, warehouse)


def test_calls_of_many_days_come_together(tmp_path: Path, warehouse: str, opened: Warehouse) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    days = [call(created_at=(begin + timedelta(days=day)).isoformat(), prompt_tokens=1) for day in range(250)]
    odd = [call(created_at=f"{year}-06-01T00:00:00Z", prompt_tokens=1) for year in (1970, 2149, 2299, 2300, 9998)]
    writing.sink("a", *days, *odd)
    writing.end("a")
    writing.close()
    for _ in range(2):
        ship(writing.run, opened)
    assert ask(warehouse, "SELECT count(), uniqExact(day) FROM calls") == [(255, 255)]
    compared(tmp_path, warehouse)


def test_a_run_that_has_not_begun_has_nothing_to_send(tmp_path: Path, opened: Warehouse) -> None:
    run = OutputDir(tmp_path).run("r")
    run.create()
    assert ship(run, opened) == {}


@pytest.mark.slow
def test_memory_is_bounded(tmp_path: Path, warehouse: str, opened: Warehouse) -> None:
    script = f"""
import resource, sys
from taximeter.query.warehouse.connect import open_warehouse
from taximeter.query.warehouse.address import parse_address
from taximeter.rundir import RunDir
from tests.query.warehouse.sums import ship
from pathlib import Path
with open_warehouse(parse_address({warehouse!r})) as opened:
    ship(RunDir(Path(sys.argv[1])), opened)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000)
"""

    def megabytes(calls: int) -> int:
        run = a_big_run(tmp_path, calls, f"r{calls}")
        command = [sys.executable, "-c", script, str(run.path)]
        return int(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)

    assert megabytes(150_000) < megabytes(50_000) + 60  # a list of all calls would take some 300 more


def test_time_does_not_matter(tmp_path: Path, warehouse: str, opened: Warehouse) -> None:
    """The number that decides which row is the later one comes from the run, not from a clock."""
    run = a_big_run(tmp_path, 50, "r")
    ship(run, opened)
    seq = opened.query("SELECT seq FROM runs").result_rows[0][0]
    time.sleep(0.01)
    ship(run, opened)
    assert opened.query("SELECT DISTINCT seq FROM runs").result_rows == [(seq,)]
    sizes = sum(path.stat().st_size for path in [*run.journals(), *run.path.glob("*/calls.*.jsonl")])
    assert seq == sizes
