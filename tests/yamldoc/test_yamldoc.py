"""Values of a document, their places, and reading from files."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from taximeter.errors import SetupError
from taximeter.yamldoc import load, parse, scalar, show
from taximeter.yamldoc.document import key_text
from taximeter.yamldoc.reader import MAX_BYTES


def refused(path: Path) -> list[str]:
    with pytest.raises(SetupError) as caught:
        load(path)
    return [f"{problem.where}: {problem.message} [{problem.hint}]" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-6", 1e-6),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0", 0),
        ("+7", 7),
        ("0", 0),
        ("0.0", 0.0),
        ("0o17", 15),
        ("0x1F", 31),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1e", "1e"),
        ("0b1", "0b1"),
        ("inf", "inf"),
        ("nan", "nan"),
        (".", "."),
        ("-", "-"),
        ("1.2.3", "1.2.3"),
        ("\u0661\u0662", "\u0661\u0662"),
    ],
)
def test_an_unquoted_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    read = scalar(text)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize("text", ["'010'", '"true"', "'1e-6'", "'null'", "''"])
def test_a_quoted_scalar_is_text(text: str) -> None:
    assert parse(text, "x").data == text[1:-1]


@pytest.mark.parametrize("text", ["0.00015", "0.1", "1e-6", "0.000000075", "12.5", "3"])
def test_a_number_keeps_its_decimal_text(text: str) -> None:
    assert Decimal(repr(parse(text, "x").data)) == Decimal(text)


def test_maps_and_lists_are_plain_values() -> None:
    text = "a:\n  - 1\n  - [x, {y: null}]\nb:\n  c: >\n    folded\n    text\n"
    assert parse(text, "x").data == {"a": [1, ["x", {"y": None}]], "b": {"c": "folded text\n"}}


def test_json_is_read_as_it_is() -> None:
    value = {"a": [1, 2.5, True, None, "é\n\t\"'", {}], "b": [], "c d": {"": "x"}}
    assert parse(json.dumps(value, indent=2), "x").data == value
    assert parse(json.dumps(value), "x").data == value


def test_each_part_knows_the_place_of_its_key_and_of_its_value() -> None:
    document = parse("name: x\nstages:\n  - id: a\n    needs: [b,\n      'c']\n", "r.yaml")
    assert document.at(()) == (1, 1)
    assert document.at(("name",)) == (1, 1)
    assert document.value_at(("name",)) == (1, 7)
    assert document.at(("stages", 0)) == (3, 5)
    assert document.at(("stages", 0, "needs")) == (4, 5)
    assert document.value_at(("stages", 0, "needs")) == (4, 12)
    assert document.at(("stages", 0, "needs", 1)) == (5, 7)


def test_what_is_missing_is_placed_at_its_nearest_ancestor() -> None:
    document = parse("a: 1\nb:\n  c: 2\n", "x")
    assert document.at(("b", "nope", "deeper")) == (2, 1)
    assert document.at(("nope",)) == (1, 1)
    assert document.at(("b", "c", "deeper")) == (3, 3)


def test_a_problem_can_point_into_a_value() -> None:
    document = parse("a: x\nrun:\n  cat {in} > {out}\n", "r.yaml")
    problem = document.problem("no such thing", ("run",), "mend it", within="{out}")
    assert (problem.where, problem.key, problem.message, problem.hint) == (
        "r.yaml:3:14",
        "run",
        "no such thing",
        "mend it",
    )
    assert document.problem("gone", ("run",), within="{nope}").where == "r.yaml:2:1"


def test_lines_and_columns_count_as_editors_do() -> None:
    document = parse("\ufeffé𝄞: 1\r\nb:\r\n  - é: 1\r\n    c: 2\r\n", "x")
    assert document.at(("é𝄞",)) == (1, 1)
    assert document.value_at(("é𝄞",)) == (1, 5)
    assert document.at(("b", 0, "c")) == (4, 5)


def test_key_paths_are_written_as_people_write_them() -> None:
    assert key_text(("stages", 2, "needs", 0)) == "stages[2].needs[0]"
    assert key_text((0, "a b", "é")) == '[0]["a b"].é'
    assert key_text(()) == ""


def test_foreign_text_is_shown_on_one_line_and_harmless() -> None:
    assert show("a [red]b") == "`a [red]b`"
    assert show("a\x1b[2J\nb\u202e") == "`a\\u001b[2J\\nb\\u202e`"
    assert show("x" * 100) == f"`{'x' * 79}…`"


def test_a_file_is_read_whatever_its_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\rc: 3\n")
    assert load(path).data == {"a": 1, "b": 2, "c": 3}


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    assert refused(path) == [f"{path}: there is no such file [None]"]
    assert refused(tmp_path) == [f"{tmp_path}: this is a directory, not a file [None]"]
    assert refused(path / "b") == [f"{path}/b: there is no such file [None]"]
    assert refused(Path("nowhere.yaml")) == [
        "nowhere.yaml: there is no such file [it is looked up in the working directory]"
    ]


def test_the_file_is_named_that_a_wrong_name_may_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").touch()
    assert refused(Path("recpie.yaml")) == ["recpie.yaml: there is no such file [did you mean `recipe.yaml`?]"]
    told = f"{tmp_path}/recpie.yaml: there is no such file [did you mean `recipe.yaml`?]"
    assert refused(tmp_path / "recpie.yaml") == [told]


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: 1\nname: é".encode() + b"\xe9")
    assert refused(path) == [f"{path}:2:8: this is not UTF-8 text [save the file as UTF-8]"]
    path.write_bytes("a: 1\n".encode("utf-16"))
    assert refused(path) == [f"{path}:1:1: this is not UTF-8 text [save the file as UTF-8]"]


def test_a_file_whose_name_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="the name of this file is not UTF-8"):
        load(tmp_path / "\udcff.yaml")


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    for content in ("", "\n\n", "# only a comment\n", "\ufeff"):
        path.write_text(content)
        assert refused(path) == [f"{path}:1:1: there is nothing in it [write into it, or name the file that you mean]"]


def test_a_huge_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.touch()
    os.truncate(path, 1 << 40)
    told = f"{path}: the file is larger than {MAX_BYTES // 1_000_000} MB"
    assert refused(path) == [f"{told} [put data into a file of its own, which a stage reads]"]


def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert refused(path) == [f"{path}: this is a pipe or a device, not a file [write it to a file]"]
