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

import pytest

from taximeter.query.store import open_store as open_folder
from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.store import open_store
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir
from tests.cli.conftest import Cli
from tests.query.warehouse.sums import report_of, same
from tests.report.synthetic import a_big_run


@contextmanager
def serving(folder: Path, address: str) -> Iterator[Any]:
    command = [
        sys.executable,
        "-m",
        "taximeter",
        "serve",
        "--port",
        "0",
        "--ship-to",
        address,
        "--output-dir",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("http://127.0.0.1:")
        yield server
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


def calls(address: str) -> int:
    with open_store(parse_address(address)) as store:
        return int(store.ask("SELECT count() FROM calls JOIN runs USING run_id").rows[0][0])


def test_runs_are_shipped_while_they_come(tmp_path: Path, warehouse: str) -> None:
    a_big_run(tmp_path, 60, "one")
    with serving(tmp_path, warehouse):
        from taximeter.query.warehouse.connect import open_warehouse
        from taximeter.query.warehouse.migrate import migrate

        with open_warehouse(parse_address(warehouse)) as opened:
            migrate(opened)
        until(lambda: calls(warehouse) == 60)
        a_big_run(tmp_path, 40, "two")
        until(lambda: calls(warehouse) == 100)
    output = OutputDir(tmp_path)
    with open_store(parse_address(warehouse)) as store:
        same(open_folder(output, known_runs(output), report_of), store)


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
