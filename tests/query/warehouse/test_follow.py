"""A folder of runs that a warehouse follows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest

from taximeter.cli.shipping import FolderFacts
from taximeter.errors import Problem, SetupError
from taximeter.pricing.builtin import sheet_in
from taximeter.query.warehouse import follow
from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.connect import Warehouse, open_warehouse
from taximeter.query.warehouse.follow import Follower
from taximeter.rundir import OutputDir
from taximeter.web.collect.handles import Handles
from taximeter.web.collect.shelf import Shelf
from tests.query.warehouse.sums import facts_of
from tests.query.warehouse.test_ship import ask, compared
from tests.report.synthetic import a_big_run
from tests.runs import Writing, call, plan, stage
from tests.web.collect.conftest import call as line
from tests.web.collect.test_once import send

pytestmark = pytest.mark.slow


class Away:
    """A warehouse that is there or not, and counts how often it was opened."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_there = True
        self.opened = 0

    @contextmanager
    def __call__(self) -> Iterator[Warehouse]:
        self.opened += 1
        if not self.is_there:
            raise SetupError(Problem("no ClickHouse answers"))
        with open_warehouse(parse_address(self.address)) as opened:
            yield opened


def silent(_: SetupError | None) -> None:
    pass


def until(what: Callable[[], Any]) -> None:
    end = monotonic() + 60
    while not what():
        assert monotonic() < end
        sleep(0.05)


def test_what_has_changed_is_sent_once(tmp_path: Path, warehouse: str) -> None:
    a_big_run(tmp_path, 60, "one")
    follower = Follower(OutputDir(tmp_path), Away(warehouse), facts_of, silent)
    assert follower.look()
    sent = dict(follower.state.rows)
    assert sent["calls"] == 60
    assert follower.look()
    assert follower.state.rows == sent  # nothing was new
    a_big_run(tmp_path, 40, "two")
    assert follower.look()
    assert follower.state.rows["calls"] == 100
    compared(tmp_path, warehouse)
    again = Follower(OutputDir(tmp_path), Away(warehouse), facts_of, silent)  # another process, which remembers nothing
    assert again.look()
    assert again.state.rows == {}
    follower.close()
    again.close()


def test_of_a_run_that_goes_on_only_what_is_new_is_sent(tmp_path: Path, warehouse: str) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    lock = writing.run.lock()
    writing.start("a")
    follower = Follower(OutputDir(tmp_path), Away(warehouse), facts_of, silent)
    for count in (1, 2, 3):
        writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
        assert follower.look()
        assert follower.state.rows["calls"] == count
        assert ask(warehouse, "SELECT count(), any(r.status) FROM calls AS c JOIN runs AS r USING run_id") == [
            (count, "running")
        ]
    lock.close()  # its driver is killed: not a byte is new
    assert follower.look()
    assert ask(warehouse, "SELECT status FROM runs") == [("lost",)]
    compared(tmp_path, warehouse)
    writing.sit_down_again()
    lock = writing.run.lock()
    writing.start("a", 2)
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    writing.end("a")
    writing.close()
    lock.close()
    assert follower.look()
    assert ask(warehouse, "SELECT status FROM runs") == [("done",)]
    compared(tmp_path, warehouse)
    follower.close()


def test_what_a_shard_tells_is_sent_while_it_runs(tmp_path: Path, warehouse: str) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a", shards=2, shard_input="rows")]))
    lock = writing.run.lock()
    writing.start("a", shards=2)
    shards = [writing.start_shard("a", number) for number in range(2)]
    follower = Follower(OutputDir(tmp_path), Away(warehouse), facts_of, silent)
    for count, shard in enumerate(shards * 2, 1):
        writing.sink(shard, call(prompt_tokens=1000, completion_tokens=0))
        assert follower.look()
        assert follower.state.rows["calls"] == count
    for shard in shards:
        writing.end(shard)
    writing.end("a")
    writing.close()
    lock.close()
    assert follower.look()
    compared(tmp_path, warehouse)
    again = Follower(OutputDir(tmp_path), Away(warehouse), facts_of, silent)
    assert again.look()
    assert again.state.rows == {}
    follower.close()
    again.close()


def test_a_run_that_has_stood_still_is_sent_when_somebody_goes_on_with_it(tmp_path: Path, warehouse: str) -> None:
    collected = Handles()
    shelf = Shelf(OutputDir(tmp_path), sheet_in(None), collected)
    follower = Follower(OutputDir(tmp_path), Away(warehouse), FolderFacts(OutputDir(tmp_path)), silent)
    for seq in range(1, 4):
        assert send(shelf, [line(seq)])[0] == 1
        shelf.close()
        for _ in range(3):
            assert follower.look()
        assert follower.state.rows["calls"] == seq * (seq + 1) // 2  # each time it is sent as a whole
    collected.close_all()
    assert ask(warehouse, "SELECT count() FROM calls JOIN runs USING run_id WHERE runs.calls = 3") == [(3,)]
    follower.close()


def test_a_warehouse_that_is_away_is_tried_again(tmp_path: Path, warehouse: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(follow, "_LEAST", 0.05)
    monkeypatch.setattr(follow, "_FIRST_WAIT", 0.05)
    a_big_run(tmp_path, 60, "one")
    away = Away(warehouse)
    away.is_there = False
    follower, stop = Follower(OutputDir(tmp_path), away, facts_of, silent), Event()
    thread = Thread(target=follower.run, args=[stop])
    thread.start()
    until(lambda: away.opened > 2)
    assert follower.state == follow.Followed({}, 1, "no ClickHouse answers")
    away.is_there = True
    until(lambda: follower.state.trouble is None and follower.state.waiting == 0)
    stop.set()
    thread.join()
    compared(tmp_path, warehouse)


def test_the_wait_grows_up_to_a_limit(tmp_path: Path, monkeypatch: Any) -> None:
    a_big_run(tmp_path, 10, "one")
    away = Away("")
    away.is_there = False
    waits: list[float] = []

    class Stop(Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            if len(waits) == 9:
                self.set()
            return self.is_set()

    Follower(OutputDir(tmp_path), away, facts_of, silent).run(Stop())
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_warehouse_that_goes_away_on_the_way(tmp_path: Path, warehouse: str, monkeypatch: Any) -> None:
    for name in ("one", "two", "three"):
        a_big_run(tmp_path, 40, name)
    insert, inserts = Warehouse.insert, []

    def breaking(self: Warehouse, table: str, rows: Any) -> None:
        inserts.append(table)
        if len(inserts) in (3, 10):
            raise SetupError(Problem("no ClickHouse answers"))
        insert(self, table, rows)

    monkeypatch.setattr(Warehouse, "insert", breaking)
    said: list[SetupError | None] = []
    follower = Follower(OutputDir(tmp_path), Away(warehouse), facts_of, said.append)
    assert not follower.look()
    assert follower.state.waiting == 3
    assert not follower.look()
    assert follower.state.waiting == 2
    assert follower.look()
    assert (follower.state.waiting, follower.state.trouble) == (0, None)
    assert list(map(str, said)) == ["no ClickHouse answers", "None"]
    compared(tmp_path, warehouse)
    follower.close()


def test_a_run_that_cannot_be_read_keeps_nobody_waiting(tmp_path: Path, warehouse: str) -> None:
    a_big_run(tmp_path, 40, "one").plan.write_bytes(b"{")
    a_big_run(tmp_path, 40, "two")
    follower = Follower(OutputDir(tmp_path), Away(warehouse), facts_of, silent)
    assert follower.look()
    assert ask(warehouse, "SELECT run_id FROM runs") == [("two",)]
    follower.close()
