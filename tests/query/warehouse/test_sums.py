"""Sums and counts of DuckDB and ClickHouse."""

import subprocess
import sys
from pathlib import Path

import pytest

from taximeter.query.warehouse.address import parse_address
from tests.query.warehouse.sums import check_sums

pytestmark = pytest.mark.slow


def test_they_are_the_same_on_a_server(warehouse: str) -> None:
    check_sums(parse_address(warehouse), examples=8)


@pytest.mark.slow
def test_they_are_the_same_in_a_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.query.warehouse.sums", f"chdb://{tmp_path}/w"]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.stdout == "the same\n", done.stderr
