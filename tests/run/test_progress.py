"""How far stages say that they are, on its way to the files that others read."""

import json
import sys
from pathlib import Path

import pytest

from taximeter.ledger.progress import ProgressReader
from tests.run.pipelines import here, lines, recipe, run
from tests.runs import read_json

__all__ = ["here"]  # a fixture


def test_what_a_stage_says_is_in_events_and_state(here: Path) -> None:
    say = (
        "import taximeter\nprogress = taximeter.ProgressLogger()\n"
        "for n in (1, 2): progress.log(current=n, total=4, message=f'page {n}', page=n)\n"
    )
    Path("say.py").write_text(say)
    shell = """{python} say.py; echo '{"current": 3, "total": 4}' >> {progress_file}; echo rubbish >> {progress_file}"""
    recipe([{"id": "a", "run": shell}])
    found = run()
    told = [(e["current"], e["total"], e["percent"], e["message"]) for e in lines(found.progress) if e["current"]]
    assert told == [(1, 4, 25, "page 1"), (2, 4, 50, "page 2"), (3, 4, 75, None)]
    assert read_json(found.state)["stages"]["a"]["progress"] == {
        "current": 3,
        "total": 4,
        "percent": 75,
        "message": None,
        "bad_lines": 1,
    }


def test_the_status_that_a_stage_says_is_passed_on_if_it_is_one(here: Path) -> None:
    say = "import taximeter as t; p = t.ProgressLogger(); [p.log('a', s) for s in ('running', 'cancelled', 'busy')]"
    recipe([{"id": "a", "run": [sys.executable, "-c", say]}])
    assert [e["status"] for e in lines(run().progress)] == [
        "running",
        "running",
        "cancelled",
        "running",
        "done",
        "done",
    ]


@pytest.mark.parametrize(
    "line",
    ['{"current": NaN}', '{"current": -1}', '{"current": 1e999}', '{"total": "7"}', "[]", '{"cur', "\udcff"],
)
def test_a_line_that_cannot_be_true_is_counted_and_costs_only_itself(tmp_path: Path, line: str) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(line.encode(errors="surrogateescape") + b'\n{"current": 1, "total": 2}\n')
    reader = ProgressReader(path)
    assert [said.percent for said in reader.news()] == [50]
    assert reader.bad_lines == 1


def test_percent_is_unknown_of_nothing_and_never_above_100(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_text('{"current": 5, "total": 0}\n{"current": 5}\n{"current": 9, "total": 3}\n')
    assert [said.percent for said in ProgressReader(path).news()] == [None, None, 100]


def test_of_a_flood_only_the_latest_lines_are_passed_on_and_long_texts_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    said = ({"current": n, "message": "x" * 10_000, "extra": {"y": "y" * 10_000}} for n in range(500))
    path.write_text("".join(json.dumps(line) + "\n" for line in said))
    reader = ProgressReader(path)
    news = reader.news()
    assert [line.current for line in news] == list(range(480, 500))
    assert len(news[0].message or "") == 500
    assert news[0].extra == {}
    assert reader.news() == []
