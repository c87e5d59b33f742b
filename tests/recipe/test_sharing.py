# ruff: noqa: E501 (the messages stand here as people see them)
"""How a recipe says that copies of a stage share its work, and what can be wrong with that."""

from __future__ import annotations

import pytest

from tests.recipes import module, page, plan, stage, write


@pytest.fixture(autouse=True)
def files() -> None:
    write("rows.jsonl")
    write("more.jsonl")
    write("notes.txt")


def test_the_only_input_of_json_lines_is_shared_out() -> None:
    planned = stage(
        "stages: [{id: s, run: 'x {inputs.rows}', inputs: {notes: notes.txt, rows: rows.jsonl}, shards: 8}]\n"
    )
    assert (planned.shards, planned.shard_input) == (8, "rows")


def test_a_stage_without_shards_is_run_as_a_whole() -> None:
    planned = stage("stages: [{id: s, run: x, inputs: {rows: rows.jsonl}}]\n")
    assert (planned.shards, planned.shard_input) == (0, None)


def test_auto_is_as_many_as_run_at_a_time() -> None:
    text = "stages: [{id: s, run: 'x {inputs.rows}', inputs: {rows: rows.jsonl}, shards: auto}]\n"
    assert stage(text).shards == 1
    assert stage(text, jobs=6).shards == 6


def test_of_several_inputs_the_named_one_is_shared_out() -> None:
    planned = stage(
        "stages: [{id: s, run: 'x {inputs.b}', inputs: {a: rows.jsonl, b: more.jsonl}, shards: 2, shard_input: b}]\n"
    )
    assert planned.shard_input == "b"


def test_what_another_stage_makes_is_shared_out() -> None:
    stages = plan("stages: [{stage: a, run: x}, {stage: b, run: 'y {shard.index} {shard.count}', shards: 3}]\n").stages
    assert [(s.shards, s.shard_input) for s in stages] == [(0, None), (3, "input")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *(
            (f"shards: {value}", f"r.yaml:2:41: `shards` must be a whole number from 1 to 10000, or `auto`, not {described} [write it like 8]")
            for value, described in [
                ("0", "the number 0"),
                ("-3", "the number -3"),
                ("10001", "the number 10001"),
                ("999999999999", "the number 999999999999"),
                ("2.0", "the number 2.0"),
                ("'4'", "the text `4`"),
                ("many", "the text `many`"),
                ("true", "true"),
                ("[2]", "a list"),
            ]
        ),
        ("shard_input: rows", "r.yaml:2:41: nothing is shared out: the stage has no `shards` [say how many there are, or shards: auto]"),
        ("shards: 2, shard_input: row", "r.yaml:2:52: the stage has no input `row` [did you mean `rows`?]"),
        ("shards: 2, out: x.csv", "r.yaml:2:52: `x.csv` cannot be joined line by line out of those of the shards [end its name with `.jsonl`, or leave `shards` out]"),
    ],
)  # fmt: skip
def test_what_can_be_wrong_with_shards(text: str, problem: str) -> None:
    assert page(f"stages:\n  - {{id: s, inputs: {{rows: rows.jsonl}}, {text}, run: 'x {{inputs.rows}}'}}\n") == [
        problem
    ]


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ("{}", "r.yaml:1:18: no input of the stage is JSON lines, so there is nothing to share out [give it an input that ends with `.jsonl`, or leave `shards` out]"),
        ("{notes: notes.txt}", "r.yaml:1:18: no input of the stage is JSON lines, so there is nothing to share out [give it an input that ends with `.jsonl`, or leave `shards` out]"),
        ("{a: rows.jsonl, n: notes.txt, b: more.jsonl}", "r.yaml:1:18: several inputs of the stage are JSON lines: `a`, `b` [say which is shared out: shard_input: a]"),
        ("{n: notes.txt, a: rows.jsonl}, shard_input: n", "r.yaml:1:76: the input `n` is not JSON lines: its name does not end with `.jsonl` [known: `a`]"),
    ],
)  # fmt: skip
def test_what_can_be_wrong_with_the_input_that_is_shared_out(inputs: str, problem: str) -> None:
    assert page(f"stages: [{{id: s, shards: 2, run: x, inputs: {inputs}}}]\n") == [problem]


def test_the_artifact_can_be_named_by_the_recipe() -> None:
    assert page(
        "outputs: {s: x.csv}\nstages: [{id: s, run: 'x {inputs.rows}', inputs: {rows: rows.jsonl}, shards: 2}]\n"
    ) == [
        "r.yaml:1:11: `x.csv` cannot be joined line by line out of those of the shards [end its name with `.jsonl`, or leave `shards` out]"
    ]


def test_a_command_speaks_of_shards_only_where_there_are_some() -> None:
    module("m", "command: tool {shard.index} {out}\n")
    assert page("stages:\n  - {id: a, run: 'x {shard.count}'}\n  - {id: b, module: m}\n") == [
        "r.yaml:2:21: there is no `{shard.count}`: the stage has no `shards` [say how many there are, or shards: auto]",
        "r.yaml:3:13: module `m` says `{shard.index}`, and the stage has no `shards` [say how many there are, or shards: auto]",
    ]


def test_a_placeholder_that_is_almost_one_of_shards() -> None:
    assert page("stages: [{id: a, run: 'x {shard.idx}'}]\n") == [
        "r.yaml:1:26: unknown placeholder `{shard.idx}` [did you mean `{shard.index}`? for the text itself write `{''shard.idx}`]"
    ]


def test_nothing_is_concluded_from_what_is_wrong() -> None:
    assert page("stages: [{id: a, run: 'x {shard.index}', shards: 0, shard_input: x}]\n") == [
        "r.yaml:1:42: `shards` must be a whole number from 1 to 10000, or `auto`, not the number 0 [write it like 8]"
    ]


ALL_OF_IT = "each shard would do all of the work: the command does not read `{inputs.rows}` [write it where the rows are read, or `{shard.index}` if the program finds its part itself]"
WHOLE = "`{input.data}` is the whole file, which each shard would read [write `{inputs.rows}` for the part of a shard]"


@pytest.mark.parametrize(
    ("run", "problems"),
    [
        ("'x {inputs.rows}'", []),
        ("[x, '--part={shard.index}']", []),
        ("x", [f"r.yaml:3:13: {ALL_OF_IT}"]),
        ("'x {inputs.notes} {shard.count}'", [f"r.yaml:3:13: {ALL_OF_IT}"]),
        ("[x, '{input.data}']", [f"r.yaml:3:23: {WHOLE}"]),
        ("'x {inputs.rows} {input.data}'", [f"r.yaml:3:35: {WHOLE}"]),
    ],
)
def test_a_command_that_makes_each_shard_do_everything_is_a_mistake(run: str, problems: list[str]) -> None:
    inputs = "{rows: rows.jsonl, notes: notes.txt}"
    text = f"input: {{data: rows.jsonl}}\nstages:\n  - {{id: s, run: {run}, inputs: {inputs}, shards: 2}}\n"
    if problems:
        assert page(text) == problems
    else:
        assert plan(text).stages[0].shards == 2


def test_entrypoints_read_all_their_inputs_and_templates_what_they_name() -> None:
    module("options", "entrypoint: main.py\n")
    module("called", "entrypoint: main.py:work\n")
    module("told", "command: tool {inputs.rows}\n")
    module("deaf", "command: tool {out}\n")
    for name in ("options", "called", "told"):
        assert stage(f"stages: [{{id: s, module: {name}, inputs: {{rows: rows.jsonl}}, shards: 2}}]\n").shards == 2
    assert page("stages: [{id: s, module: deaf, inputs: {rows: rows.jsonl}, shards: 2}]\n") == [
        f"r.yaml:1:18: {ALL_OF_IT}"
    ]
