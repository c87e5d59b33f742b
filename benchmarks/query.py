"""Questions of five million calls in 500 runs: p50, p95, p99 and the money by run, stage and model.

`python benchmarks/query.py [calls]` writes the tables of the runs as a run does when it ends, then asks DuckDB through
`taximeter.query`, and pandas and SQLite on the same data, each in a process of its own, in turns; it prints medians,
ratios and the largest memory. pandas comes into an environment of its own.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from environments import python_with

RUNS, ROUNDS = 500, 3
STAGES = ("collect", "clean", "split", "summarise", "embed", "classify", "judge", "index")
MODELS = ("gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "claude-haiku-4-5", "gemini-2.5-flash")
SQL = """
SELECT run_id, stage_id, model, count(*) AS calls, sum(cost) AS cost,
       quantile_cont(request_ms, [0.5, 0.95, 0.99]) AS latency
FROM calls GROUP BY run_id, stage_id, model
"""


def write(folder: Path, calls: int) -> None:
    """Run directories with tables only."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from taximeter.query.compact import parquet
    from taximeter.query.tables import CALLS, OF_RUN
    from taximeter.rundir import OutputDir

    random.seed(7)
    each = calls // RUNS
    output = OutputDir(folder)
    costs = [Decimal(random.randint(1, 10**9)).scaleb(-12) for _ in range(997)]
    lines = []
    for number in range(RUNS):
        run = output.run(f"nightly-{number:04}")
        run.create()
        columns: dict[str, Any] = {
            "run_id": [run.run_id] * each,
            "call_id": [f"04_ask/calls.1.jsonl:{n * 200}" for n in range(each)],
            "stage_id": random.choices(STAGES, k=each),
            "model": random.choices(MODELS, k=each),
            "provider": ["openai"] * each,
            "kind": ["llm"] * each,
            "status": ["done"] * each,
            "cached": [False] * each,
            "request_ms": [random.lognormvariate(6, 1) for _ in range(each)],
            "input_tokens": random.choices(range(20, 9000), k=each),
            "output_tokens": random.choices(range(1, 900), k=each),
            "cost": [costs[(n * 31 + number) % 997] for n in range(each)],
            "currency": ["USD"] * each,
        }
        run.tables.mkdir()
        for table, schema in OF_RUN.items():
            if table == "calls":
                arrays = [pa.array(columns.get(name, [None] * each), schema.field(name).type) for name in CALLS.names]
                pq.write_table(
                    pa.Table.from_arrays(arrays, schema=CALLS), parquet(run.tables, table), compression="zstd"
                )
            else:
                pq.write_table(schema.empty_table(), parquet(run.tables, table))
        at = f"2026-10-{number % 28 + 1:02}T00:00:00Z"
        lines.append(
            json.dumps({"schema_version": "manifest_v1", "run_id": run.run_id, "started_at": at, "ended_at": at})
        )
    output.manifest.write_text("\n".join(lines) + "\n")


def into_sqlite(folder: Path) -> None:
    """The same rows for SQLite, money as text with its digits, and an index for the grouping."""
    import pyarrow.parquet as pq

    with sqlite3.connect(folder / "calls.sqlite") as base:
        base.execute("CREATE TABLE calls (run_id TEXT, stage_id TEXT, model TEXT, cost REAL, request_ms REAL)")
        for path in sorted(folder.glob("runs/*/tables/calls.parquet")):
            table = pq.read_table(path, columns=["run_id", "stage_id", "model", "cost", "request_ms"])
            columns = [column.to_pylist() for column in table.columns]
            columns[3] = list(map(float, columns[3]))
            base.executemany("INSERT INTO calls VALUES (?, ?, ?, ?, ?)", zip(*columns, strict=True))
        base.execute("CREATE INDEX by_group ON calls (run_id, stage_id, model, request_ms)")


# -- what is measured, each in a process of its own ---


def ours(folder: Path) -> int:
    from taximeter.cli.asking import report_of
    from taximeter.query.store import open_store
    from taximeter.report.runs import known_runs
    from taximeter.rundir import OutputDir

    output = OutputDir(folder)
    return len(open_store(output, known_runs(output), report_of).ask(SQL).rows)


def pandas(folder: Path) -> int:
    import pandas as pd

    paths = sorted(folder.glob("runs/*/tables/calls.parquet"))
    columns = ["run_id", "stage_id", "model", "cost", "request_ms"]
    calls = pd.concat([pd.read_parquet(path, columns=columns) for path in paths])
    calls["cost"] = calls["cost"].astype(float)
    groups = calls.groupby(["run_id", "stage_id", "model"])
    latency = groups["request_ms"].quantile([0.5, 0.95, 0.99])
    assert len(latency)
    return len(groups.agg(calls=("cost", "size"), cost=("cost", "sum")))


def sqlite(folder: Path) -> int:
    ranked = """
    WITH ranked AS (SELECT run_id, stage_id, model, cost, request_ms,
        row_number() OVER w AS place, count(*) OVER (PARTITION BY run_id, stage_id, model) AS size
      FROM calls WINDOW w AS (PARTITION BY run_id, stage_id, model ORDER BY request_ms))
    SELECT run_id, stage_id, model, size, sum(cost),
        max(request_ms) FILTER (WHERE place <= size * 0.5), max(request_ms) FILTER (WHERE place <= size * 0.95),
        max(request_ms) FILTER (WHERE place <= size * 0.99)
      FROM ranked GROUP BY run_id, stage_id, model"""
    with sqlite3.connect(folder / "calls.sqlite") as base:
        return len(base.execute(ranked).fetchall())


CANDIDATES = {"ours": ours, "pandas": pandas, "sqlite": sqlite}


def child(name: str, folder: Path) -> None:
    begin = time.perf_counter()
    groups = CANDIDATES[name](folder)
    taken = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": taken, "memory": memory, "groups": groups}))


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, calls)
        into_sqlite(folder)
        pandas_python = python_with(folder / "peers", "pandas", "pyarrow")
        interpreters = {"ours": sys.executable, "pandas": pandas_python, "sqlite": sys.executable}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in interpreters}
        for _ in range(ROUNDS):
            for candidate, python in interpreters.items():
                command = [python, __file__, "--child", candidate, name]
                done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
                found[candidate].append(json.loads(done.stdout))
    print(f"| {calls:,} calls, {RUNS} runs | seconds | of ours | memory | groups |\n|---|--:|--:|--:|--:|")
    base = statistics.median(turn["seconds"] for turn in found["ours"])
    for candidate, turns in found.items():
        seconds = statistics.median(turn["seconds"] for turn in turns)
        memory = max(turn["memory"] for turn in turns) / 1e6
        print(f"| {candidate} | {seconds:.2f} | {seconds / base:.1f} | {memory:.0f} MB | {turns[0]['groups']:,.0f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
