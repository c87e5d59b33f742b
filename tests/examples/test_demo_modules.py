"""The demo's modules, each run as the driver runs it, or called where a function says more."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

MODULES = Path(__file__).parents[2] / "examples" / "demo" / "modules"

Row = dict[str, Any]


def functions(program: str) -> dict[str, Any]:
    return runpy.run_path(str(MODULES / program))


def run(program: str, **arguments: object) -> None:
    options = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
    subprocess.run([sys.executable, MODULES / program, *options], check=True, timeout=60)


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_collect_takes_described_packages_in_the_order_of_their_names(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run("collect/collect.py", out=out, limit=5, min_chars=300)
    packages = read(out)
    names = [package["name"].lower() for package in packages]
    assert len(names) == 5
    assert names == sorted(set(names))
    assert all(len(package["description"]) >= 300 and package["version"] for package in packages)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("[![CI](https://x.y/badge.svg)](https://x.y) Reads big files in no time.", "Reads big files in no time."),
        ("# Title\n\nReads big files without much memory.", "Reads big files without much memory."),
        ("Reads files.\n\n```python\nimport big\nprint(big)\n```\n\nIt never reads a file twice.", None),
        ("It is *very* **fast** and _so_ `small` and ``plain``.", "It is very fast and so small and plain."),
        ("See `the docs <https://x.y>`_ and :class:`~a.Reader` for more.", "See the docs and a.Reader for more."),
        ("It works on top of asyncio_ or Trio_.", "It works on top of asyncio or Trio."),
        ("It calls __repr__, and some_name too.", "It calls __repr__, and some_name too."),
        (".. image:: x.png\n   :alt: nothing\n\nReads big files without much memory.", None),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nReads big files without much memory.", None),
        ("<p align=center><b>Reads</b> big files &amp; small ones fast.</p>", "Reads big files & small ones fast."),
        ("Reads big files without much memory. Install it with:\n\n    pip install big\n", None),
        ("- Reads big files\n- without much memory.", "Reads big files without much memory."),
        ("<!-- nobody reads this one at all. -->Reads big files without much memory.", None),
    ],
)
def test_clean_leaves_what_a_person_would_read(markup: str, text: str | None) -> None:
    cleaned = functions("clean/clean.py")["readable"](markup)
    if text is not None:
        assert cleaned == text
    assert re.search(r"[Rr]ead|fast|docs|asyncio|calls", cleaned)
    assert not re.search(r"import big|pip install|badge|image|nobody|1 \| 2|with:", cleaned)


@given(st.text())
def test_clean_takes_any_text(text: str) -> None:
    assert isinstance(functions("clean/clean.py")["readable"](text), str)


def test_clean_drops_what_says_too_little(tmp_path: Path) -> None:
    long = "Reads big files without much memory. " * 9
    documents = [{"name": "a", "version": "1", "description": "See the docs for all the rest."}]
    documents.append({"name": "b", "version": "2", "description": long})
    source, out = write(tmp_path / "in.jsonl", documents), tmp_path / "out.jsonl"
    run("clean/clean.py", documents=source, out=out, min_chars=100, max_chars=120)
    assert read(out) == [{"name": "b", "version": "2", "text": long[:120]}]


@given(st.lists(st.text(alphabet="ab .!?\n", max_size=60), max_size=5).map("\n\n".join), st.integers(1, 30))
def test_split_keeps_every_letter_and_the_bound(text: str, bound: int) -> None:
    pieces = list(functions("split/split.py")["pieces"](text, bound))
    assert all(0 < len(piece) <= bound for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_split_cuts_between_sentences_and_never_joins_paragraphs(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"name": "a", "text": "One is. Two is. Three is.\n\nFour is."}])
    out = tmp_path / "out.jsonl"
    run("split/split.py", documents=source, out=out, max_chars=16, max_pieces=2)
    assert [(row["piece"], row["text"]) for row in read(out)] == [(0, "One is. Two is."), (1, "Three is.")]


def test_an_answer_that_is_no_category_counts_as_other() -> None:
    pytest.importorskip("openai")
    known = functions("summarise/summarise.py")["known_category"]
    assert known('{\n "category": "web" }') == "web"
    for nonsense in ('{"category": "gardening"}', "web", "[]", "null", '{"category": []}', '{"category": 1}', ""):
        assert known(nonsense) == "other"


def test_a_summary_is_one_sentence_and_says_when_it_was_cut() -> None:
    pytest.importorskip("openai")
    one_line = functions("summarise/summarise.py")["one_line"]
    assert one_line("Parses v1.2 files. And more.") == "Parses v1.2 files."
    assert one_line("Parses files of\nmany lines") == "Parses files of…"
    assert one_line("") == "…"


def test_the_model_reads_whole_sentences_where_it_can() -> None:
    pytest.importorskip("openai")
    lead = functions("summarise/summarise.py")["lead"]
    assert lead("One is.\n\nTwo is. Three is long.", 18) == "One is. Two is."
    assert lead("No end in sight", 5) == "No en"


def test_the_mocks_give_the_same_rows_each_time(tmp_path: Path) -> None:
    documents = write(tmp_path / "d.jsonl", [{"name": "a", "version": "1", "text": "Sends HTTP requests. Fast."}])
    pieces = write(tmp_path / "p.jsonl", [{"name": "a", "piece": 0, "text": "Sends HTTP requests."}])
    rows = []
    for attempt in ("1", "2"):
        summaries, vectors = tmp_path / f"s{attempt}", tmp_path / f"v{attempt}"
        run("summarise/mock_summarise.py", documents=documents, out=summaries, model="any", lead_chars=260)
        run("embed/mock_embed.py", pieces=pieces, out=vectors, model="any", batch=8)
        rows.append((read(summaries), read(vectors)))
    assert rows[0] == rows[1]
    summary = {"name": "a", "version": "1", "summary": "Sends HTTP requests.", "category": "web", "model": "mock-chat"}
    assert rows[0][0] == [summary]
    assert sum(x * x for x in rows[0][1][0]["vector"]) == pytest.approx(1, abs=1e-4)


def index(folder: Path, packages: list[tuple[str, str, list[float]]]) -> str:
    """The page of some packages, each with a name, a summary and a vector."""
    write(
        folder / "s",
        [{"name": n, "version": "1", "summary": s, "category": "data", "model": "m"} for n, s, _ in packages],
    )
    write(folder / "p", [{"name": n, "piece": 0, "text": f"text of {n}"} for n, _, _ in packages])
    write(folder / "v", [{"name": n, "piece": 0, "vector": v} for n, _, v in packages])
    out = folder / "index.html"
    files = {"summaries": folder / "s", "pieces": folder / "p", "vectors": folder / "v"}
    run("index/index.py", **files, out=out, title="A & B", neighbours=2)
    return out.read_text()


def test_the_page_shows_hostile_names_and_texts_as_they_are(tmp_path: Path) -> None:
    hostile = '"><script>alert(1)</script>'
    page = index(tmp_path, [(hostile, "</article> $summary ${title} &amp;", [1.0, 0.0]), ("b", "fine", [0.9, 0.1])])
    assert page.count("<script>") == 1
    assert "&lt;/article&gt; $summary ${title} &amp;amp;" in page
    assert "<title>A &amp; B</title>" in page


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = index(tmp_path, [("a", "one", [1.0]), ("b", "two", [2.0])])
    assert not re.search(r"https?://|src=|@import|url\(", page)
    assert "default-src 'none'" in page


def test_neighbours_are_the_packages_whose_vectors_point_the_same_way(tmp_path: Path) -> None:
    common = [10.0, 10.0]
    directions = {"a": (1.0, 0.1), "b": (1.0, 0.0), "c": (-1.0, 0.1), "d": (-1.0, -0.2)}
    packages = [(name, name, [common[0] + x, common[1] + y]) for name, (x, y) in directions.items()]
    page = index(tmp_path, packages)
    similar = re.findall(r'(?s)<article id="p(\d)".*?<ul[^>]*>(.*?)</ul>', page)
    nearest = [re.findall(r'href="#p(\d)"', links)[:1] for _, links in similar]
    assert nearest == [["1"], ["0"], ["3"], ["2"]]


def test_a_page_of_no_packages_or_one_is_a_page_too(tmp_path: Path) -> None:
    assert "0 packages" in index(tmp_path, [])
    assert "<h2>a</h2>" in index(tmp_path, [("a", "alone", [1.0, 2.0])])
