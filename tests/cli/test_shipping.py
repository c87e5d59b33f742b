"""`taximeter serve --ship-to`: runs go to a warehouse while they come."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from taximeter.errors import SetupError
from taximeter.events import CallEvent, SpanEvent
from taximeter.query.store import open_store as open_folder
from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.store import open_store
from taximeter.report.runs import list_runs
from taximeter.rundir import OutputDir
from taximeter.usage import Usage
from tests.cli.conftest import Cli
from tests.query.warehouse.sums import report_of, same
from tests.report.synthetic import a_big_run

pytestmark = pytest.mark.slow

BEGIN = 1_790_000_000


@contextmanager
def serving(folder: Path, address: str, *options: str) -> Iterator[Any]:
    command = [sys.executable, "-m", "taximeter", "serve", "--port", "0", "--ship-to", address, *options]
    command += ["--output-dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.address = server.stdout.readline().split()[0]
        yield server
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


def ask(address: str, sql: str) -> list[tuple[Any, ...]]:
    with open_store(parse_address(address)) as store:
        return store.ask(sql).rows


def calls(address: str) -> int:
    return int(ask(address, "SELECT count() FROM calls JOIN runs USING run_id")[0][0])


def test_runs_are_shipped_while_they_come(tmp_path: Path, warehouse: str) -> None:
    a_big_run(tmp_path, 60, "one")
    with serving(tmp_path, warehouse):
        until(lambda: has_tables(warehouse) and calls(warehouse) == 60)
        a_big_run(tmp_path, 40, "two")
        until(lambda: calls(warehouse) == 100)
    output = OutputDir(tmp_path)
    with open_store(parse_address(warehouse)) as store:
        same(open_folder(output, list_runs(output), report_of), store)


def test_a_warehouse_that_is_away_is_told_of_once(tmp_path: Path) -> None:
    a_big_run(tmp_path, 10, "one")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with serving(tmp_path, f"clickhouse://ada:hunter2@127.0.0.1:{port}/costs") as server:
        assert server.stderr is not None
        told = server.stderr.readline()
        time.sleep(3)
        server.send_signal(signal.SIGINT)
        rest = server.stderr.read()
    assert told.startswith(f"nothing is shipped: clickhouse://127.0.0.1:{port}/costs: no ClickHouse answers")
    assert "hunter2" not in told + rest
    assert rest == ""


@pytest.mark.parametrize("address", ["nowhere", "http://x"])
def test_an_address_that_is_none_is_refused_at_once(cli: Cli, address: str) -> None:
    said = cli("serve", "--port", "0", "--ship-to", address, code=2)
    assert said.err.startswith("this is not the address of a warehouse\n")


def test_what_a_collector_takes_is_shipped(tmp_path: Path, warehouse: str) -> None:
    with serving(tmp_path, warehouse, "--collect") as server:
        for first in (0, 10, 10, 20):  # the second ten come twice
            events = [process_span(), *(call_event(seq) for seq in range(first + 1, first + 11))]
            body = b"\n".join(map(msgspec.json.encode, events))
            headers = {"Content-Type": "application/x-ndjson"}
            with urlopen(Request(f"{server.address}v1/events", body, headers)) as answer:
                assert answer.status == 200
            if first == 0:
                until(lambda: has_tables(warehouse) and calls(warehouse) == 10)
        until(lambda: calls(warehouse) == 30)
    with serving(tmp_path, warehouse):  # once its collector is gone, the run is lost
        until(lambda: ask(warehouse, "SELECT status FROM runs") == [("lost",)])
    output = OutputDir(tmp_path)
    with open_store(parse_address(warehouse)) as store:
        same(open_folder(output, list_runs(output), report_of), store)


def process_span() -> SpanEvent:
    span = SpanEvent(("p1", 0), "far-away", "t" * 32, "s" * 16, "process", "service", BEGIN)
    span.pid, span.node = 7, "elsewhere"
    return span


def call_event(seq: int) -> CallEvent:
    return CallEvent(("p1", seq), "gpt-5", "far-away", usage=Usage(1_000, seq), started_at=BEGIN + seq)


def has_tables(address: str) -> bool:
    try:
        with open_store(parse_address(address)):
            return True
    except SetupError:
        return False
