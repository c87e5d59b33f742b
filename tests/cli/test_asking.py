"""`taximeter query`, `top` and `compact`."""

import csv
import errno
import io
import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from taximeter.cli import tables
from taximeter.query import compact
from tests.cli.conftest import Cli

RECIPE = """
name: t
stages:
  - {stage: ask, run: '{python} ask.py {params.model}', params: {model: gpt-5}}
"""
ASK = "import sys, taximeter\ntaximeter.log_llm_usage(sys.argv[1], 1000, 100, tags={'user': '=ada'})\n"


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "ask.py").write_text(ASK)
    command = [sys.executable, "-m", "taximeter", "run", "recipe.yaml", "--instrument", "--run-id"]
    for more in (["a"], ["b", "--set", "ask.model=who-knows"]):
        subprocess.run([*command, *more], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def runs(cli: Cli, two_runs: Path) -> Cli:
    shutil.copytree(two_runs, Path.cwd(), dirs_exist_ok=True)
    return cli


def test_the_first_question_writes_the_tables_of_runs_that_have_ended(runs: Cli) -> None:
    assert not Path("output/runs/a/tables").exists()
    assert json.loads(runs("query", "SELECT count(*) AS n FROM calls", "--json").out)["rows"] == [{"n": 2}]
    table = pq.read_table("output/runs/a/tables/calls.parquet")
    assert table.column("cost").to_pylist() == [Decimal("0.002250000000")]
    assert not list(Path("output/runs").glob("**/*.tmp"))
    assert runs("compact").out == "0 runs compacted\n"


def test_a_large_run_writes_its_tables_when_it_ends(runs: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LARGE", 1)
    runs("exec", "--run-id", "c", "--quiet", "--", sys.executable, "ask.py", "gpt-5")
    assert pq.read_table("output/runs/c/tables/calls.parquet").num_rows == 1
    runs("run", "recipe.yaml", "--instrument", "--run-id", "d")
    assert pq.read_table("output/runs/d/tables/calls.parquet").num_rows == 1


def test_tables_that_cannot_be_written_are_no_error(runs: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(compact, "_put", full)
    assert json.loads(runs("query", "SELECT count(*) AS n FROM calls", "--json").out)["rows"] == [{"n": 2}]


def test_answers_have_many_forms(runs: Cli) -> None:
    sql = "SELECT run_id, cost, tags['user'] AS who FROM calls ORDER BY run_id"
    text = runs("query", sql).out
    assert text.splitlines()[0].split() == ["run_id", "cost", "who"]
    assert "a       0.00225  =ada" in text
    found = json.loads(runs("query", sql, "--json").out)
    assert found["schema_version"] == "query_v1"
    assert found["columns"][1] == {"name": "cost", "type": "DECIMAL(38,12)"}
    assert found["rows"] == [
        {"run_id": "a", "cost": 0.00225, "who": "=ada"},
        {"run_id": "b", "cost": None, "who": "=ada"},
    ]
    rows = list(csv.reader(io.StringIO(runs("query", sql, "--csv").out)))
    assert rows == [["run_id", "cost", "who"], ["a", "0.00225", "'=ada"], ["b", "", "'=ada"]]
    assert runs("query", sql, "--parquet", "x.parquet").out == "x.parquet\n"
    assert pq.read_table("x.parquet").num_rows == 2


def test_where_the_money_went(runs: Cli) -> None:
    rows = json.loads(runs("top", "--by", "model", "--since", "1d", "--json").out)["rows"]
    assert [(row["key"], row["cost"], row["unpriced"]) for row in rows] == [
        ("gpt-5", 0.00225, 0),
        ("who-knows", None, 1),
    ]
    text = runs("top", "--by", "model").out
    assert "unpriced" in text
    assert "$0.00225" in text
    assert runs("top", "--since", "1ms").err == "No calls.\n"


def test_a_question_that_is_wrong_is_told(runs: Cli) -> None:
    told = runs("query", "SELECT * FROM nope", code=2).err
    assert told.startswith("the question cannot be answered: Catalog Error: Table with name nope does not exist!\n")
    assert "the question is not UTF-8" in runs("query", "\udcff", code=2).err


def test_runs_are_compacted_on_demand(runs: Cli) -> None:
    compacted = json.loads(runs("compact", "--json").out)
    assert compacted == {"schema_version": "compact_v1", "compacted": ["b", "a"]}
    assert Path("output/runs/a/tables/calls.parquet").exists()


def test_without_the_extra_it_says_what_to_install(runs: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "taximeter.query.store", None)
    told = runs("query", "SELECT 1", code=2).err
    assert told.startswith("to ask runs in SQL needs a package: ")
    assert told.endswith("    pip install 'taximeter[query]'\n")


def test_a_run_that_is_gone_is_named(runs: Cli) -> None:
    with Path("output/run_manifest.jsonl").open("a") as file:
        file.write('{"schema_version":"manifest_v1","run_id":"gone","started_at":"2026-01-01T00:00:00Z"}\n')
    said = runs("query", "SELECT count(*) AS n FROM runs")
    assert said.out.splitlines()[-1].strip() == "3"
    assert said.err == "1 run without a directory that can be read: gone\n"
