"""The check of one artifact: all rows fit and are stamped, or it stays as it was and each bad row is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taximeter.recipe.plan import RowSchema
from taximeter.run import rowcheck
from taximeter.run.rowcheck import MOST_SHOWN, BadRow, Check, Verdict, check

STAMPS = {"schema_version": "row_v1", "module_id": "m", "run_id": "r", "created_at": "2026-11-26T12:00:00.000Z"}
ROW = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "n": {"minimum": 3}}}


def checked(folder: Path, content: bytes, schema: dict[str, Any] | RowSchema, name: str = "a.jsonl") -> Verdict:
    artifact = folder / name
    artifact.write_bytes(content)
    if isinstance(schema, dict):
        (folder / "schema.json").write_text(json.dumps(schema))
        schema = RowSchema("row_v1", file=str(folder / "schema.json"))
    return check(Check(artifact=str(artifact), name=name, schema=schema, stamps=STAMPS, verdict="unused"))


def rows(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines() if line]


def test_rows_that_fit_are_stamped_and_keep_what_they_say(tmp_path: Path) -> None:
    content = b'{"id": "a", "run_id": "mine"}\n\n{"id":"b", "x": 1.50}'
    assert checked(tmp_path, content, ROW) == Verdict(rows=2)
    assert rows(tmp_path) == [
        {"id": "a", **STAMPS, "run_id": "mine"},
        {"id": "b", "x": 1.5, **STAMPS},
    ]
    assert b'"x": 1.50, ' in (tmp_path / "a.jsonl").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "a.jsonl.stamped", "schema.json"}


def test_bad_rows_are_named_with_their_lines_and_nothing_is_changed_or_quoted(tmp_path: Path) -> None:
    content = b'{"id": "a"}\n\n{"id": 5, "n": 1}\n{"n": "secret"\n{"id": "\xff"}\n[1]\n{"n": NaN, "id": "b"}\n'
    verdict = checked(tmp_path, content, ROW)
    assert (verdict.rows, verdict.bad) == (6, 5)
    assert verdict.lines("a.jsonl") == [
        'a.jsonl:3: `id` is not of type "string"; `n` is less than the minimum of 3',
        "a.jsonl:4: this is not JSON: Input data was truncated",
        "a.jsonl:5: this is not UTF-8",
        'a.jsonl:6: the row is not of type "object"',
        "a.jsonl:7: this is not JSON: JSON is malformed: invalid character (byte 6)",
    ]
    assert (tmp_path / "a.jsonl").read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "schema.json"}


def test_of_many_bad_rows_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    verdict = checked(tmp_path, b"{}\n" * 50, ROW)
    assert (verdict.rows, verdict.bad, len(verdict.first)) == (50, 50, MOST_SHOWN)
    assert verdict.lines("a.jsonl")[-1] == "a.jsonl: 30 more rows do not fit"


def test_a_schema_can_ask_for_stamps(tmp_path: Path) -> None:
    schema = {"required": ["schema_version", "run_id"], "properties": {"schema_version": {"const": "row_v1"}}}
    assert checked(tmp_path, b"{}\n", schema).bad == 0
    assert checked(tmp_path, b'{"schema_version": "other"}\n', schema).bad == 1


def test_a_closed_schema_gets_only_the_stamps_that_it_knows(tmp_path: Path) -> None:
    schema = {"properties": {"id": {}, "run_id": {}}, "additionalProperties": False}
    assert checked(tmp_path, b'{"id": 1}\n', schema).bad == 0
    assert rows(tmp_path) == [{"id": 1, "run_id": "r"}]
    assert checked(tmp_path, b'{"x": 1}\n', schema).lines("a") == [
        "a:1: the row: Additional properties are not allowed ('x' was unexpected)"
    ]


def test_a_json_artifact_is_one_row(tmp_path: Path) -> None:
    assert checked(tmp_path, b'{\n  "id": "a"\n}\n', ROW, "a.json") == Verdict(rows=1)
    assert json.loads((tmp_path / "a.json").read_text()) == {"id": "a", **STAMPS}
    assert checked(tmp_path, b"\n", ROW, "a.json").first == [BadRow(1, ["there is nothing in it"])]
    assert checked(tmp_path, b'{"id": "a"}\n{"id": "b"}', ROW, "a.json").bad == 1


def test_rows_that_are_no_maps_are_checked_and_not_stamped(tmp_path: Path) -> None:
    assert checked(tmp_path, b"[1]\n[2]\n", {"type": "array"}).bad == 0
    assert (tmp_path / "a.jsonl").read_bytes() == b"[1]\n[2]\n"


def test_an_artifact_without_rows_fits(tmp_path: Path) -> None:
    assert checked(tmp_path, b"", ROW) == Verdict()


def test_a_row_that_does_not_fit_into_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowcheck, "MAX_ROW", 1 << 20)
    with pytest.raises(ValueError, match="line 2: a row of more than 1 MiB cannot be checked"):
        checked(tmp_path, b"{}\n" + b"x" * (1 << 21), {})
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "schema.json"}


def test_what_a_link_points_to_is_not_changed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jsonl"
    elsewhere.write_bytes(b'{"id": "a"}\n')
    (tmp_path / "b.jsonl").symlink_to(elsewhere)
    (tmp_path / "schema.json").write_text("{}")
    schema = RowSchema("row_v1", file=str(tmp_path / "schema.json"))
    check(Check(artifact=str(tmp_path / "b.jsonl"), name="b", schema=schema, stamps=STAMPS, verdict="unused"))
    assert elsewhere.read_bytes() == b'{"id": "a"}\n'
    assert json.loads((tmp_path / "b.jsonl").read_text()) == {"id": "a", **STAMPS}


def test_formats_of_ours_are_schemas(tmp_path: Path) -> None:
    schema = RowSchema("instrumentation_call_v1", format="instrumentation_call_v1")
    verdict = checked(tmp_path, b'{"model": "m", "schema_version": "instrumentation_call_v1"}\n{"model": 5}\n', schema)
    assert verdict.lines("a") == [
        "a:2: `schema_version`: Input should be 'instrumentation_call_v1'; `model`: Input should be a valid string"
    ]
