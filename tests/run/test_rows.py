"""Rows of artifacts."""

from pathlib import Path

import pytest

from taximeter.run.rows import RowCounter, count_rows


@pytest.mark.parametrize(
    ("content", "rows"),
    [(b"", 0), (b"\n \n", 0), (b"a", 1), (b"a\n", 1), (b"a\n\nb\r\n  \nc", 3), (b"x" * 3_000_000 + b"\ny\n", 2)],
)
def test_lines_that_are_not_blank_are_counted(tmp_path: Path, content: bytes, rows: int) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    assert count_rows(path) == rows


def test_only_json_lines_have_rows_and_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    lines, other = tmp_path / "x.jsonl", tmp_path / "x.txt"
    lines.write_text("1\n")
    other.write_text("1\n")
    counter = RowCounter()
    assert counter.count([other, tmp_path / "missing.jsonl"]) is None
    assert counter.count([lines, other]) == 1
    lines.write_text("1\n2\n")
    assert counter.count([lines, lines]) == 4
