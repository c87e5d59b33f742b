"""A growing file is read line by line, each line once."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from taximeter.journal import reader
from taximeter.journal.reader import RESERVED, LineReader


def data(lines: LineReader) -> list[bytes]:
    return [line.data for line in lines.lines()]


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    assert data(LineReader(tmp_path / "x")) == []
    assert LineReader(tmp_path / "x").tail() is None


def test_a_half_written_line_is_taken_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one\ntw")
    lines = LineReader(path)
    assert data(lines) == [b"one"]
    assert data(lines) == []
    tail = lines.tail()
    assert tail is not None
    assert (tail.offset, tail.data) == (4, b"tw")
    path.write_bytes(b"one\ntwo\nthree\n")
    assert data(lines) == [b"two", b"three"]
    assert lines.tail() is None


def test_reserved_space_is_the_end_of_a_journal_only(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one\n\0\0\0")
    assert data(LineReader(path, end=RESERVED)) == [b"one"]
    path.write_bytes(b"one\nt\0wo\nthree\n")
    assert data(LineReader(path)) == [b"one", b"t\0wo", b"three"]


def test_a_line_that_is_too_long_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a" * (5 * reader.MAX_LINE) + b"\nnext\n")
    long, following = LineReader(path).lines()
    assert len(long.data) < 3 * reader.MAX_LINE
    assert following.data == b"next"
    assert following.offset == 5 * reader.MAX_LINE + 1


@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), max_size=30), st.data())
def test_however_a_file_grows_each_line_comes_once_with_its_offset(lines: list[bytes], draw: st.DataObject) -> None:
    import tempfile

    whole = b"".join(line + b"\n" for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        path, taken = Path(folder) / "x", []
        source, end = LineReader(path), 0
        while end < len(whole):
            end = draw.draw(st.integers(end + 1, len(whole)))
            path.write_bytes(whole[:end])
            taken += list(source.lines())
    assert [line.data for line in taken] == lines
    assert all(whole[line.offset :].startswith(line.data + b"\n") for line in taken)
