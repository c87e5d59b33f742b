"""Rows a second into a warehouse, and how many bytes a call has as a line of a journal, as Parquet and in ClickHouse.

`python benchmarks/scale.py warehouse [calls] [ADDRESS]`: a service's calls as the recorder writes them, with ids that
do not compress; shipped into a folder with the embedded engine, or to a server. CPU seconds are those of this process,
which has the engine in it unless an address is given. "Insert only" is the same rows, ready as Arrow, without reading
them.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import msgspec
import pyarrow as pa

from taximeter.cli.asking import report_of
from taximeter.events import CallEvent
from taximeter.ledger.manifest import ManifestLine
from taximeter.ledger.replay import replay
from taximeter.pricing.builtin import built_in
from taximeter.query.compact import compact, parquet, sheet_of
from taximeter.query.rows import RunRows
from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.connect import Warehouse, open_warehouse
from taximeter.query.warehouse.migrate import migrate
from taximeter.query.warehouse.ship import Facts, Shipment
from taximeter.query.warehouse.tables import SHIPPED
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.runs import line_of
from taximeter.rundir import OutputDir, RunDir
from taximeter.usage import Usage

MODELS = (
    ("openai", "gpt-5"),
    ("openai", "gpt-5-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-flash"),
)
BEGIN = 1_767_225_600
PROCESSES = 8


def write(folder: Path, calls: int) -> RunDir:
    """A service with eight processes; its journals are closed."""
    random.seed(7)
    run = OutputDir(folder).run("service")
    run.create()
    run.pricing.write_bytes(built_in().encoded)
    encode = msgspec.json.Encoder().encode
    for number in range(PROCESSES):
        process = token_hex(6)
        with (run.events / f"{process}.jsonl").open("wb") as file:
            for seq in range(calls // PROCESSES):
                file.write(encode(call(process, seq, BEGIN + seq * 0.05 + number / 100)) + b"\n")
    return run


def call(process: str, seq: int, started_at: float) -> CallEvent:
    provider, model = random.choice(MODELS)
    read = random.randrange(200, 9_000)
    return CallEvent(
        (process, seq),
        model,
        "service",
        random.choice(("summarise", "classify", "judge")),
        provider=provider,
        response_model=f"{model}-2026-01-01",
        usage=Usage(read, random.randrange(20, 900), cache_read_input_tokens=read // 2),
        usage_source="provider",
        request_id=f"req_{random.randrange(16**32):032x}",
        response_id=f"chatcmpl-{random.randrange(16**24):024x}",
        started_at=started_at,
        request_ms=round(random.lognormvariate(6, 1), 3),
        captured_by="openai",
        tags={"user": f"u{random.randrange(5_000)}"},
        trace_id=f"{random.randrange(16**32):032x}",
        span_id=f"{random.randrange(16**16):016x}",
        operation="chat",
        tries=1,
        stream=True,
        ttft_ms=round(random.lognormvariate(5, 1), 3),
    )


def facts_of(run: RunDir) -> Facts:
    report = build(run)
    started = "2026-01-01T00:00:00Z"
    return Facts(line_of(report, ManifestLine(run.run_id, started_at=started)), json.render(report).encode())


def batches(run: RunDir) -> list[pa.RecordBatch]:
    """The rows of all calls, ready to be sent."""
    found: list[pa.RecordBatch] = []
    rows = RunRows(run.run_id, lambda table, batch: found.append(batch) if table == "calls" else None, SHIPPED)
    replay(run, sheet_of(run), rows)
    rows.finish()
    return [batch for batch in found if batch.num_rows]


def measured(what: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    what()
    return time.perf_counter() - wall, time.process_time() - cpu


def stored(warehouse: Warehouse) -> tuple[int, int]:
    """Rows and bytes of calls on the disk, once parts are merged."""
    warehouse.execute("OPTIMIZE TABLE calls FINAL")
    sql = """SELECT sum(rows), sum(bytes_on_disk) FROM system.parts
        WHERE active AND database = currentDatabase() AND table = 'calls'"""
    ((rows, size),) = warehouse.query(sql).result_rows
    return int(rows), int(size)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 400_000
    with tempfile.TemporaryDirectory() as name:
        run = write(Path(name), calls)
        lines = sum(path.stat().st_size for path in run.journals())
        address = parse_address(sys.argv[2] if len(sys.argv) > 2 else f"chdb://{name}/warehouse")
        table = {}
        table["compact (Parquet)"] = measured(lambda: compact(run, report_of))
        files = sum(parquet(run.tables, table).stat().st_size for table in ("calls", "line_items"))
        with open_warehouse(address) as warehouse:
            migrate(warehouse)
            table["ship"] = measured(Shipment(run, warehouse, facts_of).send)
            rows, size = stored(warehouse)
            ready = batches(run)
            table["insert only"] = measured(lambda: [warehouse.insert("calls", batch) for batch in ready])
            again, _ = stored(warehouse)
        assert again == rows, "a re-send has to change nothing"
    print(f"| {rows:,} calls | wall, s | rows/s | CPU, s | rows/s of CPU |\n|---|--:|--:|--:|--:|")
    for what, (wall, cpu) in table.items():
        print(f"| {what} | {wall:.1f} | {rows / wall:,.0f} | {cpu:.1f} | {rows / cpu:,.0f} |")
    print("\n| a call as | bytes |\n|---|--:|")
    for what, count in (("a line of a journal", lines), ("Parquet (calls, line_items)", files), ("ClickHouse", size)):
        print(f"| {what} | {count / rows:.0f} |")
    print(f"\nlargest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


if __name__ == "__main__":
    main()
