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
from taximeter.query.warehouse.address import identifier, parse_address
from taximeter.query.warehouse.connect import open_warehouse
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
        try:
            yield server
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
        finally:
            server.kill()


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
    assert rest.startswith("    is it running?")
    assert rest.count("\n") == 1


@pytest.mark.parametrize("address", ["nowhere", "http://x"])
def test_an_address_that_is_none_is_refused_at_once(cli: Cli, address: str) -> None:
    said = cli("serve", "--port", "0", "--ship-to", address, code=2)
    assert said.err.startswith("this is not the address of a warehouse\n")


def test_what_a_collector_takes_is_shipped(tmp_path: Path, warehouse: str) -> None:
    with serving(tmp_path, warehouse, "--collect") as server:
        for first in (0, 10, 10, 20):  # the second ten come twice
            events = [process_span(), *(call_event(seq) for seq in range(first + 1, first + 11))]
            post(server.address, events)
            if first == 0:
                until(lambda: has_tables(warehouse) and calls(warehouse) == 10)
        until(lambda: calls(warehouse) == 30)
    with serving(tmp_path, warehouse):  # once its collector is gone, the run is lost
        until(lambda: ask(warehouse, "SELECT status FROM runs") == [("lost",)])
    output = OutputDir(tmp_path)
    with open_store(parse_address(warehouse)) as store:
        same(open_folder(output, list_runs(output), report_of), store)


TOKENS = {"search": "r2XqE6mB0uUqQxkX", "my-team.2": "o7nZ3VJ5o0hDq1pC"}


def send_the_same_run_of_two_projects(address: str) -> None:
    """Run, process and numbers are the same; only what the calls took is not."""
    for tokens, token in enumerate(TOKENS.values(), 1):
        calls = [call_event(seq) for seq in range(1, 10 * tokens)]
        for event in calls:
            event.usage = Usage(1_000 * tokens, event.event_id[1])
        ended = process_span()
        ended.event_id = ("p1", 99)
        ended.ended_at, ended.wall_ms, ended.ok, ended.status = BEGIN + 60, 60_000.0, True, "done"
        post(address, [process_span(), *calls, ended], Authorization=f"Bearer {token}")


def file_of_tokens(folder: Path) -> str:
    path = folder / "tokens.yaml"
    path.write_text("".join(f"{project}: {token}\n" for project, token in TOKENS.items()))
    path.chmod(0o600)
    return str(path)


def test_runs_of_two_projects_are_kept_apart_though_their_ids_are_the_same(tmp_path: Path, warehouse: str) -> None:
    databases = {project: f"{warehouse}_{project}" for project in TOKENS}
    names = [identifier(parse_address(address).database) for address in databases.values()]
    with open_warehouse(parse_address(warehouse)) as opened:
        for name in names:
            opened.execute(f"CREATE DATABASE {name}")
    with serving(tmp_path / "fleet", warehouse, "--collect", "--tokens", file_of_tokens(tmp_path)) as server:
        send_the_same_run_of_two_projects(server.address)
        for address in databases.values():
            until(lambda to=address: has_tables(to) and ask(to, "SELECT status FROM runs") == [("done",)])
    assert not has_tables(warehouse)
    for project, address in databases.items():
        output = OutputDir(tmp_path / "fleet" / project)
        with open_store(parse_address(address)) as store:
            same(open_folder(output, list_runs(output), report_of), store)
    both = f"SELECT count(), sum(input_tokens) FROM merge(REGEXP('^{parse_address(warehouse).database}_'), '^calls$')"
    assert ask(databases["search"], f"{both} GROUP BY _database ORDER BY 1") == [(9, 9_000), (19, 38_000)]
    with open_warehouse(parse_address(warehouse)) as opened:
        for name in names:
            opened.execute(f"DROP DATABASE {name}")


def test_runs_of_two_projects_are_kept_apart_in_a_folder(tmp_path: Path) -> None:
    """Asked by processes of their own, since an embedded engine stays in the process that has opened it."""
    where, fleet, tokens = f"chdb://{tmp_path}/warehouse", tmp_path / "fleet", file_of_tokens(tmp_path)
    manifests = [fleet / project / "run_manifest.jsonl" for project in TOKENS]

    def is_shipped(project: str) -> bool:
        there = said("top", "--by", "model", "--store", f"{where}?database=taximeter_{project}")
        return "gpt-5" in there and there == said("top", "--by", "model", "--output-dir", f"{fleet}/{project}")

    for patience in (3, 10, 30):  # nobody else can look into the folder while it is shipped to
        with serving(fleet, where, "--collect", "--tokens", tokens) as server:
            send_the_same_run_of_two_projects(server.address)
            until(lambda: all(path.exists() and b'"done"' in path.read_bytes() for path in manifests))
            time.sleep(patience)
        if all(map(is_shipped, TOKENS)):
            return
    raise AssertionError(said("query", "SELECT * FROM calls", "--store", f"{where}?database=taximeter_search"))


def test_the_database_of_a_project_that_is_missing_is_named(tmp_path: Path, warehouse: str) -> None:
    name = parse_address(warehouse).database
    (tmp_path / "my-team.2").mkdir()
    with serving(tmp_path, warehouse, "--collect", "--tokens", file_of_tokens(tmp_path)) as server:
        post(server.address, [process_span()], Authorization=f"Bearer {TOKENS['my-team.2']}")
        told = server.stderr.readline() + server.stderr.readline()
    assert f"there is no database '{name}_my-team.2'" in told
    assert f'CREATE DATABASE "{name}_my-team.2"' in told


def said(*arguments: str) -> str:
    command = [sys.executable, "-m", "taximeter", *arguments]
    return subprocess.run(command, capture_output=True, text=True).stdout


def post(address: str, events: list[CallEvent | SpanEvent], **headers: str) -> None:
    body = b"\n".join(map(msgspec.json.encode, events))
    request = Request(f"{address}v1/events", body, {"Content-Type": "application/x-ndjson", **headers})
    with urlopen(request) as answer:
        assert answer.status == 200


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
