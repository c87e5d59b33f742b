"""Events that come for a run that has ended, fallen silent or been deleted; also when the collector is another one."""

import shutil
from pathlib import Path

import pytest

from taximeter.ledger import manifest
from taximeter.query.compact import compact, is_compact
from taximeter.query.store import open_store
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir
from tests.query.warehouse.sums import report_of
from tests.report.synthetic import a_big_run
from tests.stages import wait_until
from tests.web.collect.conftest import Collect, ask, call, post, span
from tests.web.collect.test_events import written
from tests.web.conftest import Served

pytestmark = pytest.mark.slow

BEGAN = 1_767_225_600.0
START, TAKEN = "2026-01-01T00:00:00.000Z", {"accepted": 1, "duplicate": 0, "rejected": []}


def ended(seq: int, after: float, **fields: str) -> bytes:
    return span(seq, ended_at=BEGAN + after, wall_ms=after * 1000, status="done", ok=True, **fields)


def listed(folder: Path) -> tuple[str | None, str | None, int]:
    """Status, start and calls, as the collector has told the list of runs."""
    (run,) = manifest.read(OutputDir(folder))
    return run.status, run.started_at, run.totals.calls if run.totals else 0


def is_let_go(server: Served) -> bool:
    """Whether the collector holds no run any more."""
    return 'taximeter_collector_runs{project=""} 0' in ask(server, "GET", "/metrics").body.decode()


def followed(server: Served, collect: Collect, is_another: bool) -> Served:
    """The collector that what is late comes to."""
    if not is_another:
        return server
    server.process.kill()
    server.process.communicate()
    return collect()


@pytest.fixture(params=[False, True], ids=["the same collector", "another collector"])
def is_another(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_call_that_comes_after_the_end_counts(collect: Collect, tmp_path: Path, is_another: bool) -> None:
    server = collect()
    post(server, [span(1), call(2), ended(3, 10.0)])
    assert wait_until(lambda: listed(tmp_path) == ("done", START, 1))
    server = followed(server, collect, is_another)
    assert post(server, [call(4, started_at=BEGAN + 7.0)]).said == TAKEN
    report = ask(server, "GET", "/api/runs/r").said
    assert (report["status"], report["totals"]["calls"], report["wall_seconds"]) == ("done", 2, 10.0)
    assert wait_until(lambda: listed(tmp_path) == ("done", START, 2))  # long before it would count as lost


def test_a_lost_run_that_is_heard_of_again_goes_on_and_ends(collect: Collect, tmp_path: Path, is_another: bool) -> None:
    server = collect("--lost-after", "1s")
    post(server, [span(1), call(2)])
    assert wait_until(lambda: listed(tmp_path) == ("lost", START, 1))
    server = followed(server, collect, is_another)
    assert post(server, [call(3, started_at=BEGAN + 200.0)]).said == TAKEN
    assert ask(server, "GET", "/api/runs/r").said["totals"]["calls"] == 2
    post(server, [ended(4, 300.0)])
    assert wait_until(lambda: listed(tmp_path) == ("done", START, 2))


def test_a_run_ends_with_its_last_process_though_another_collector_knew_the_first(
    collect: Collect, tmp_path: Path
) -> None:
    ids = {"process": "q", "span_id": "3" * 16}
    first = collect()
    post(first, [span(1), span(1, **ids), call(2)])
    second = followed(first, collect, True)
    post(second, [ended(2, 10.0, **ids)])
    assert not wait_until(lambda: listed(tmp_path)[0] != "running", 3.0)
    post(second, [ended(3, 12.0)])
    assert wait_until(lambda: listed(tmp_path) == ("done", START, 1))


def test_a_deleted_run_begins_anew_with_what_comes_then(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    post(server, [span(1), call(2)])
    shutil.rmtree(tmp_path / "runs/r")
    late = [call(3, started_at=BEGAN + 9.0)]
    answer = post(server, late)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert post(server, late).said == TAKEN
    assert post(server, late).said["duplicate"] == 1
    assert listed(tmp_path) == ("running", "2026-01-01T00:00:09.000Z", 0)
    assert [event["event_id"] for event in written(tmp_path)] == [["p", 3]]
    server = followed(server, collect, True)
    shutil.rmtree(tmp_path / "runs/r")
    assert post(server, [call(4)]).said == TAKEN
    assert [event["event_id"] for event in written(tmp_path)] == [["p", 4]]


def test_a_deleted_run_of_which_nothing_comes_is_let_go(collect: Collect, tmp_path: Path) -> None:
    server = collect("--lost-after", "1s")
    post(server, [span(1), call(2)])
    shutil.rmtree(tmp_path / "runs/r")
    assert wait_until(lambda: is_let_go(server))
    assert not (tmp_path / "runs/r").exists()


def test_what_comes_for_a_run_of_a_driver_that_has_ended_is_in_answers_too(collect: Collect, tmp_path: Path) -> None:
    run = a_big_run(tmp_path, 10, "r")
    said = manifest.read(OutputDir(tmp_path))
    server = collect("--lost-after", "3s")
    for late in (1, 2, 3):  # of one process, so that no file is new the second time
        compact(run, report_of)
        assert is_compact(run)
        assert post(server, [call(late)]).said == TAKEN
        assert not is_compact(run)
    output = OutputDir(tmp_path)
    views = open_store(output, known_runs(output), report_of)
    assert views.ask("SELECT count(*) FROM calls").rows == [(13,)]
    assert wait_until(lambda: is_let_go(server))
    assert manifest.read(output) == said  # how it went is its driver's to say
