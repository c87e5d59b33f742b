"""Warehouses for tests: databases of the server that CLICKHOUSE_URL names, else of one that is the embedded engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

import pytest

PASSWORD = "p@ss:w/rd-7"


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, without a database."""
    if url := os.environ.get("CLICKHOUSE_URL"):
        yield url.rstrip("/")
        return
    command = [sys.executable, str(Path(__file__).parent / "clickhouse_front.py")]
    folder = tmp_path_factory.mktemp("clickhouse") / "data"
    with subprocess.Popen([*command, str(folder), PASSWORD], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield f"clickhouse://writer:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
        server.kill()


@pytest.fixture
def warehouse(clickhouse: str) -> Iterator[str]:
    """The address of an empty database of its own."""
    yield from database(clickhouse)


def database(server: str) -> Iterator[str]:
    """Makes a database, and removes it again."""
    from taximeter.query.warehouse.address import parse_address
    from taximeter.query.warehouse.connect import open_warehouse

    name = f"taximeter_test_{token_hex(6)}"
    with open_warehouse(parse_address(f"{server}/default")) as default:
        default.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        default.execute(f"DROP DATABASE {name}")
