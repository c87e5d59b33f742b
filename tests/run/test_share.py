"""A file of JSON lines is taken apart without losing or changing a byte, and what was made of it is joined in order."""

from __future__ import annotations

import filecmp
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.run import original, share
from taximeter.run.share import join, share_out

LINES = st.lists(
    st.sampled_from(["{}", '{"a": 1}', "   [1]  ", "", "  ", "\t\r", '{"long": "' + "x" * 50 + '"}']), max_size=40
)


def shared(tmp_path: Path, content: bytes, most: int) -> list[bytes]:
    (tmp_path / "rows.jsonl").write_bytes(content)
    parts = [tmp_path / "parts" / f"{number}.jsonl" for number in range(most)]
    count = share_out(tmp_path / "rows.jsonl", parts)
    assert [part.exists() for part in parts] == [number < count for number in range(most)]
    made = [part.read_bytes() for part in parts[:count]]
    for part in parts[:count]:
        part.unlink()
    return made


def rows(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n") if line.strip()]


@given(lines=LINES, most=st.integers(1, 12), ends=st.booleans(), chunk=st.sampled_from([1, 2, 7, 64, 1 << 20]))
def test_parts_are_the_file_and_differ_by_one_row_at_the_most(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], most: int, ends: bool, chunk: int
) -> None:
    content = "\n".join(lines).encode() + (b"\n" if ends else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(share, "_CHUNK", chunk)
        parts = shared(tmp_path_factory.mktemp("share"), content, most)
    assert b"".join(parts) == content
    counts = [len(rows(part)) for part in parts]
    assert len(parts) == min(most, max(sum(counts), 1))
    assert max(counts) - min(counts) <= 1
    assert counts == sorted(counts, reverse=True)
    assert [row for part in parts for row in rows(part)] == rows(content)


def test_fewer_rows_than_shards_make_fewer_shards(tmp_path: Path) -> None:
    assert shared(tmp_path, b"1\n2\n", 5) == [b"1\n", b"2\n"]


def test_a_file_without_rows_makes_one_shard(tmp_path: Path) -> None:
    assert shared(tmp_path, b"", 5) == [b""]
    assert shared(tmp_path, b"\n \n", 5) == [b"\n \n"]


def test_a_row_may_be_longer_than_what_is_read_at_a_time(tmp_path: Path) -> None:
    long = b"x" * (3 << 20)
    assert shared(tmp_path, long + b"\n" + b"y\n" + long, 3) == [long + b"\n", b"y\n", long]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        share_out(tmp_path / "none.jsonl", [tmp_path / "0"])
    with pytest.raises(IsADirectoryError):
        share_out(tmp_path, [tmp_path / "0"])


def part(tmp_path: Path, number: int, content: bytes) -> Path:
    path = tmp_path / f"{number}.jsonl"
    path.write_bytes(content)
    return path


def test_parts_are_joined_in_order_and_each_row_stays_a_line(tmp_path: Path) -> None:
    parts = [part(tmp_path, n, content) for n, content in enumerate([b"a\nb", b"", b"c\n", b"d"])]
    (tmp_path / "deep").mkdir()
    join(parts, tmp_path / "deep" / "all.jsonl")
    assert (tmp_path / "deep" / "all.jsonl").read_bytes() == b"a\nb\nc\nd\n"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["all.jsonl"]


def test_a_shard_that_made_nothing_has_no_rows(tmp_path: Path) -> None:
    join([tmp_path / "none", part(tmp_path, 1, b"a\n")], tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_bytes() == b"a\n"
    join([tmp_path / "none"], tmp_path / "nothing.jsonl")
    assert not (tmp_path / "nothing.jsonl").exists()


def test_what_was_there_stays_if_the_parts_cannot_be_joined(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_text("old\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        join([part(tmp_path, 0, b"a\n"), tmp_path / "folder"], tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_text() == "old\n"
    assert not (tmp_path / "all.jsonl.tmp").exists()


def stamped(tmp_path: Path, number: int, row: bytes, stamp: bytes) -> Path:
    made = part(tmp_path, number, row + stamp)
    before = original.Rows({})
    before.add(row)
    before.keep(made, made)
    return made


def test_stamps_that_are_new_each_time_do_not_make_a_joined_artifact_another_one(tmp_path: Path) -> None:
    digests = []
    for stamp in (b"first\n", b"second\n"):
        join([stamped(tmp_path, n, row, stamp) for n, row in enumerate([b"a", b"b"])], tmp_path / "all.jsonl")
        digests.append(original.original_digest(tmp_path / "all.jsonl"))
    assert digests[0] is not None
    assert digests[0] == digests[1]
    join([stamped(tmp_path, 0, b"a", b"\n"), part(tmp_path, 1, b"b\n")], tmp_path / "all.jsonl")
    assert original.original_digest(tmp_path / "all.jsonl") is None


def test_files_of_any_size_need_little_memory(tmp_path: Path) -> None:
    row = b'{"text": "' + b"x" * 1000 + b'"}\n'
    with (tmp_path / "rows.jsonl").open("wb") as file:
        for _ in range(64):
            file.write(row * 512)
    parts = [tmp_path / f"{number}.jsonl" for number in range(4)]
    tracemalloc.start()
    share_out(tmp_path / "rows.jsonl", parts)
    join(parts, tmp_path / "joined.jsonl")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20
    assert filecmp.cmp(tmp_path / "rows.jsonl", tmp_path / "joined.jsonl", shallow=False)
