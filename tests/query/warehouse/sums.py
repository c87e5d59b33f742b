"""What DuckDB and a warehouse say of random runs is the same, to the last digit.

`python -m tests.query.warehouse.sums ADDRESS` does it in a process of its own, since an embedded engine cannot be let
go of by a process that has opened it.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from taximeter.ledger.manifest import ManifestLine
from taximeter.query.answer import Store
from taximeter.query.store import open_store as open_folder
from taximeter.query.top import KEYS, top
from taximeter.query.warehouse.address import Address, parse_address
from taximeter.query.warehouse.connect import Warehouse, open_warehouse
from taximeter.query.warehouse.migrate import migrate
from taximeter.query.warehouse.ship import Facts, Shipment
from taximeter.query.warehouse.store import open_store
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.runs import known_runs, line_of
from taximeter.rundir import OutputDir, RunDir
from taximeter.usage import MAX_TOKENS
from tests.runs import Writing, call, plan, stage

ODD = st.sampled_from(["a", "'", '"', "\\", "`; DROP TABLE calls; --", "é😀", "\0", "%s {x:String}", " ", "NULL", "\n"])
TOKENS = st.none() | st.integers(0, 9_000) | st.sampled_from([0, MAX_TOKENS, MAX_TOKENS - 1])
MONEY = st.none() | st.decimals(0, 10**12, places=12) | st.just(Decimal("0.000000000001"))
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(["big", "small", "local", "who-knows"]) | ODD,
            "prompt_tokens": TOKENS,
            "completion_tokens": TOKENS,
            "cached": st.booleans(),
            "status": st.sampled_from(["done", "failed", "cut"]),
            "provider": st.none() | ODD,
            "cost": MONEY,
            "request_ms": st.none() | st.floats(0, 1e7),
            "tags": st.none() | st.dictionaries(ODD, ODD, max_size=2),
            "created_at": st.none() | st.sampled_from(["2026-01-01T23:59:59.999999Z", "2026-01-02T00:00:00Z"]),
        }
    ),
    max_size=12,
)
RUNS = st.lists(st.fixed_dictionaries({"a": CALLS, "b b": CALLS}), min_size=1, max_size=3)

SUMS = """
SELECT run_id, stage_id, model, {count} AS calls, sum(cost) AS money, sum(saved_cost) AS saved,
    sum(CAST(input_tokens AS {huge})) AS i, sum(CAST(output_tokens AS {huge})) AS o, max(cost) AS most
FROM calls GROUP BY run_id, stage_id, model ORDER BY run_id, stage_id, model
"""
ITEMS = "SELECT run_id, unit, sum(amount) AS money FROM line_items GROUP BY run_id, unit ORDER BY run_id, unit"
ROWS = "SELECT run_id, stage_id, status, calls, cost, cost_status, attempts FROM stages ORDER BY run_id, stage_id"
TOTALS = "SELECT run_id, status, calls, input_tokens, cost, cost_status, currency FROM runs ORDER BY run_id"
CELLS = "SELECT * FROM calls ORDER BY run_id, call_id"


def report_of(run: RunDir) -> bytes:
    return json.render(build(run)).encode()


def facts_of(run: RunDir) -> Facts:
    return Facts(line_of(build(run), ManifestLine(run.run_id)), report_of(run))


def ship(run: RunDir, warehouse: Warehouse) -> Counter[str]:
    return Shipment(run, warehouse, facts_of).send()


def write(folder: Path, runs: list[dict[str, list[dict[str, Any]]]]) -> None:
    for number, stages in enumerate(runs):
        of = [stage(i, name) for i, name in enumerate(stages, 1)]
        writing = Writing(folder, plan(of, tags={"team": f"'{number}"}), f"r{number}")
        for name, calls in stages.items():
            writing.start(name)
            writing.sink(name, *(call(**{key: part for key, part in one.items() if part is not None}) for one in calls))
            writing.end(name)
        writing.close()


def same(folder: Store, warehouse: Store) -> None:
    """Every figure of one is that of the other."""
    duck, click = {"count": "count(*)", "huge": "HUGEINT"}, {"count": "count()", "huge": "Nullable(Int128)"}
    assert folder.ask(SUMS.format(**duck)).rows == warehouse.ask(SUMS.format(**click)).rows
    for sql in (ITEMS, ROWS, TOTALS):
        assert folder.ask(sql).rows == warehouse.ask(sql).rows, sql
    ours, theirs = folder.ask(CELLS), warehouse.ask(CELLS)
    width = len(ours.columns)
    assert [name for name, _ in ours.columns] == [name for name, _ in theirs.columns][:width]
    assert [row[:width] for row in theirs.rows] == ours.rows
    for by in KEYS:
        left, right = top(folder, by, None), top(warehouse, by, None)
        assert list(map(exactly, left)) == list(map(exactly, right)), by
        for one, other in zip(left, right, strict=True):
            assert close(one.p50_ms, other.p50_ms)
            assert close(one.p95_ms, other.p95_ms)


def exactly(row: Any) -> tuple[Any, ...]:
    return (row.key, row.runs, row.calls, row.input_tokens, row.output_tokens, row.cost, row.unpriced, row.currency)


def close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= 1e-9 * max(1.0, abs(one))


def emptied(warehouse: Warehouse) -> None:
    for table in ("calls", "spans", "attempts", "stages", "runs"):
        warehouse.execute(f"TRUNCATE TABLE {table}")


@contextmanager
def folder_of(runs: list[dict[str, list[dict[str, Any]]]]) -> Iterable[tuple[OutputDir, Store]]:
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), runs)
        output = OutputDir(Path(name))
        yield output, open_folder(output, known_runs(output), report_of)


def check_sums(address: Address, examples: int) -> None:
    @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(RUNS)
    def check(runs: list[dict[str, list[dict[str, Any]]]]) -> None:
        with folder_of(runs) as (output, folder), open_warehouse(address) as warehouse:
            migrate(warehouse)
            emptied(warehouse)
            shipped = [ship(output.run(line.run_id), warehouse) for line in known_runs(output)]
            assert shipped == [ship(output.run(line.run_id), warehouse) for line in known_runs(output)]  # once more
            with open_store(address) as store:
                same(folder, store)

    check()


if __name__ == "__main__":
    check_sums(parse_address(sys.argv[1]), examples=25)
    print("the same")
