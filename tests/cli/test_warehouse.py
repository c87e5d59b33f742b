"""`taximeter ship`, and questions to a warehouse: a server, as people see it."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest

from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.connect import open_warehouse
from tests.cli.conftest import Cli
from tests.report.synthetic import a_big_run
from tests.warehouses import PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture
def runs(cli: Cli) -> Cli:
    a_big_run(Path("output"), 100, "one")
    a_big_run(Path("output"), 60, "two")
    return cli


def test_runs_are_shipped_and_asked(runs: Cli, warehouse: str) -> None:
    where = str(parse_address(warehouse))
    assert runs("ship", "one", "--to", warehouse).out == f"1 run with 100 calls shipped to {where}\n"
    said = json.loads(runs("ship", "--all", "--to", warehouse, "--json").out)
    assert (said["schema_version"], said["to"], said["left_out"]) == ("ship_v1", where, [])
    assert {run["run_id"]: run["rows"]["calls"] for run in said["runs"]} == {"one": 100, "two": 60}
    for by in ("stage", "model", "day", "tag"):
        assert runs("top", "--by", by, "--store", warehouse).out == runs("top", "--by", by).out
    ask = ("query", "SELECT run_id, sum(cost) AS money FROM calls GROUP BY run_id ORDER BY run_id")
    assert runs(*ask, "--store", warehouse).out == runs(*ask).out
    assert runs(*ask, "--csv", "--store", warehouse).out == runs(*ask, "--csv").out
    assert (
        json.loads(runs(*ask, "--json", "--store", warehouse).out)["rows"]
        == json.loads(runs(*ask, "--json").out)["rows"]
    )
    runs(*ask, "--store", warehouse, "--parquet", "x.parquet")
    assert pq.read_table("x.parquet").num_rows == 2


def test_an_answer_without_rows_has_its_columns(runs: Cli, warehouse: str) -> None:
    runs("ship", "one", "--to", warehouse)
    assert (
        runs("query", "SELECT run_id, cost FROM calls LIMIT 0;", "--csv", "--store", warehouse).out == "run_id,cost\r\n"
    )
    assert runs("top", "--since", "1ms", "--store", warehouse).err == "No calls.\n"


def test_which_runs(runs: Cli, warehouse: str) -> None:
    assert "1 run with" in runs("ship", "output/runs/two", "--to", warehouse).out
    assert "0 runs with 0 calls" in runs("ship", "--since", "1m", "--to", warehouse).out
    assert runs("ship", "--to", warehouse, code=2).err == "no run is named\n    name some, or say --all or --since 7d\n"
    told = runs("ship", "one", "--all", "--to", warehouse, code=2).err
    assert told.startswith("runs are named, and --all or --since is given\n")
    assert "there is no run nope in" in runs("ship", "nope", "--to", warehouse, code=2).err
    path = next(Path("output/runs/one/events").iterdir())
    assert "is no run but files of events" in runs("ship", str(path), "--to", warehouse, code=2).err


def test_a_run_that_cannot_be_read_keeps_no_other_waiting(runs: Cli, warehouse: str) -> None:
    Path("output/runs/one/snapshots/plan.json").write_text("{")
    said = runs("ship", "--all", "--to", warehouse)
    assert said.out.startswith("1 run with 60 calls shipped to ")
    assert said.err.endswith("1 run without a directory that can be read: one\n")
    assert "cannot be read" in runs("ship", "one", "--to", warehouse, code=2).err


def test_one_place_is_asked(runs: Cli, warehouse: str) -> None:
    told = runs("top", "--store", warehouse, "--output-dir", "output", code=2).err
    assert told.startswith("--store and --output-dir are two places to ask\n")


def told(cli: Cli, *arguments: str) -> str:
    said = cli(*arguments, code=2)
    assert "Traceback" not in said.err
    for form in (PASSWORD, "w/rd-7", "w%2Frd", "hunter2"):
        assert form not in said.out + said.err
    return said.err


def test_nobody_answers(runs: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"clickhouse://ada:hunter2@127.0.0.1:{port}/costs"
    said = told(runs, "ship", "one", "--to", address)
    assert said.startswith(f"clickhouse://127.0.0.1:{port}/costs: no ClickHouse answers: ")
    assert "refused" in said
    assert "is it running?" in said
    assert "no ClickHouse answers" in told(runs, "top", "--store", address)
    assert "no ClickHouse answers" in told(runs, "ship", "one", "--to", "clickhouse://ada:hunter2@nowhere.invalid/x")


def test_somebody_else_answers(runs: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n")
                connection.close()

        Thread(target=answer, daemon=True).start()
        address = f"clickhouse://ada:hunter2@127.0.0.1:{server.getsockname()[1]}/costs"
        assert "no ClickHouse answers" in told(runs, "ship", "one", "--to", address)
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "form", ["clickhouses://ada:hunter2@{at}/costs", "clickhouse://ada:hunter2@{at}/costs?secure=1"]
)
def test_who_asks_for_tls_says_nothing_in_the_clear(runs: Cli, form: str) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                heard.append(connection.recv(65536))
                connection.close()

        Thread(target=listen, daemon=True).start()
        address = form.format(at=f"127.0.0.1:{server.getsockname()[1]}")
        assert "no ClickHouse answers" in told(runs, "ship", "one", "--to", address)
        server.shutdown(socket.SHUT_RDWR)
    assert heard
    assert {data[:1] for data in heard} == {b"\x16"}  # a handshake of TLS, and no request of HTTP


def test_a_wrong_password(runs: Cli, warehouse: str) -> None:
    url = urlsplit(warehouse)
    address = f"clickhouse://writer:hunter2@{url.hostname}:{url.port}{url.path}"
    said = told(runs, "ship", "one", "--to", address)
    assert ": there is no user 'writer' with this password\n    a sign like @" in said
    assert "CLICKHOUSE_PASSWORD" in said


def test_the_password_in_a_variable(runs: Cli, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = urlsplit(warehouse)
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", parse_address(warehouse).password)
    runs("ship", "one", "--to", f"clickhouse://{url.username}@{url.hostname}:{url.port}{url.path}")


def test_there_is_no_database(runs: Cli, clickhouse: str) -> None:
    said = told(runs, "ship", "one", "--to", f"{clickhouse}/nope")
    assert ": there is no database 'nope'\n    `CREATE DATABASE nope` there" in said


def test_there_are_no_tables(runs: Cli, warehouse: str) -> None:
    said = told(runs, "top", "--store", warehouse)
    assert ": there are no tables of taximeter in the database " in said
    assert "`taximeter ship RUN --to ADDRESS` makes them" in said


def test_no_rights(runs: Cli, clickhouse: str, warehouse: str) -> None:
    if "writer" not in clickhouse:
        pytest.skip("a server of one's own does not have the users that these tests know")
    reader = warehouse.replace("writer:", "reader:")
    said = told(runs, "ship", "one", "--to", reader)
    assert ": the user 'reader' may not do this: reader: Not enough privileges." in said
    assert "GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW ON " in said
    runs("ship", "one", "--to", warehouse)
    assert runs("top", "--store", reader).out == runs("top", "--store", warehouse).out
    assert "may not do this" in told(runs, "ship", "two", "--to", reader)


def test_a_question_changes_nothing(runs: Cli, warehouse: str) -> None:
    runs("ship", "one", "--to", warehouse)
    for sql in ("DROP TABLE calls", "INSERT INTO runs (run_id) VALUES ('x')", "ALTER TABLE runs DELETE WHERE 1"):
        told(runs, "query", sql, "--store", warehouse)
    with open_warehouse(parse_address(warehouse)) as opened:
        assert opened.query("SELECT count() FROM runs").result_rows == [(1,)]


def test_a_question_that_is_wrong_is_told(runs: Cli, warehouse: str) -> None:
    runs("ship", "one", "--to", warehouse)
    said = told(runs, "query", "SELECT nope FROM calls", "--store", warehouse)
    assert said.startswith("the question cannot be answered: ")
    assert "nope" in said.splitlines()[0]
    assert "Code:" not in said
    assert "the tables are runs, stages, attempts, spans, calls" in said


def test_what_is_not_installed_is_named(runs: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chdb", None)
    assert "pip install 'taximeter[chdb]'" in told(runs, "ship", "one", "--to", "chdb://w")
    monkeypatch.setitem(sys.modules, "clickhouse_connect", None)
    assert "pip install 'taximeter[clickhouse]'" in told(runs, "top", "--store", "clickhouse://h")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "taximeter", *arguments], capture_output=True, text=True)


KILLED = """
import os, signal, sys
from taximeter.cli.main import main
from taximeter.query import rows
from taximeter.query.warehouse.connect import Warehouse
rows.BATCH = 20
insert, inserts = Warehouse.insert, []
def dying(self, table, batch):
    insert(self, table, batch)
    inserts.append(table)
    if len(inserts) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
Warehouse.insert = dying
sys.argv = ["taximeter", "ship", "two", "--to", "chdb://w"]
main()
"""


@pytest.mark.slow
def test_a_folder(runs: Cli) -> None:
    """In processes of their own, since an embedded engine stays in the process that has opened it."""
    done = command("ship", "--all", "--to", "chdb://w")
    assert done.stdout == "2 runs with 160 calls shipped to chdb://w\n", done.stderr
    assert command("ship", "one", "--to", "chdb://w").returncode == 0
    killed = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert command("ship", "--all", "--to", "chdb://w").returncode == 0
    assert command("top", "--by", "model", "--store", "chdb://w").stdout == runs("top", "--by", "model").out
    hold = "import chdb, sys; c = chdb.connect(sys.argv[1]); c.query('SELECT 1'); print('open', flush=True); input()"
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", hold, str(Path("w").resolve())], **how) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        refused = command("top", "--store", "chdb://w")
        assert refused.returncode == 2
        assert "chdb://w: the folder of the warehouse cannot be opened\n" in refused.stderr
        assert holder.stdin is not None
        holder.stdin.write("\n")
        holder.stdin.close()
    Path("file").write_text("")
    refused = command("ship", "one", "--to", "chdb://file")
    assert "chdb://file: the folder of the warehouse cannot be opened\n" in refused.stderr


@pytest.mark.slow
def test_a_question_makes_neither_a_folder_nor_a_database(runs: Cli) -> None:
    for folder in ("typo", "output"):
        asked = command("top", "--store", f"chdb://{folder}")
        assert asked.stderr == (
            f"chdb://{folder}: there is no warehouse in this folder\n    `taximeter ship RUN --to ADDRESS` makes one\n"
        )
    assert not Path("typo").exists()
    assert {path.name for path in Path("output").iterdir()} <= {"runs", "run_manifest.jsonl"}
    assert command("ship", "one", "--to", "chdb://w").returncode == 0
    asked = command("top", "--store", "chdb://w?database=typo")
    assert asked.stderr.startswith("chdb://w?database=typo: there is no database 'typo'\n    `taximeter ship RUN ")
    shown = command("query", "SELECT name FROM system.databases ORDER BY name", "--csv", "--store", "chdb://w").stdout
    assert "taximeter" in shown
    assert "typo" not in shown


def test_what_the_server_says_is_passed_on(runs: Cli, warehouse: str) -> None:
    with open_warehouse(parse_address(warehouse)) as opened:
        opened.execute("CREATE TABLE calls (mine Int8) ENGINE = Memory")
    said = told(runs, "ship", "one", "--to", warehouse)
    assert ": the warehouse answers: " in said
    assert "(for url" not in said
