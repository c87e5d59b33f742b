"""Templates become argument vectors, and scripts for the shell in which a value stays one word."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.recipe.command import CALL, CommandValues, render
from taximeter.recipe.plan import PlannedStage
from taximeter.recipe.shell import first_sign
from tests.recipes import module, stage, write

VALUES = CommandValues(
    python="/usr/bin/python3",
    inputs={"docs": "a b.txt", "x-y": "c"},
    input={"docs": "in put"},
    out="01_s/artifact.jsonl",
    stage_dir="01_s",
    run_dir="runs/r-1",
    run_id="r-1",
    state_file="state.json",
    progress_file="progress.jsonl",
)


def rendered(command: tuple[str, ...] | str, values: CommandValues = VALUES, **params: Any) -> list[str]:
    planned = PlannedStage(index=1, id="s", stage="s", folder="01_s", out="o", command=command, params=params)
    return render(planned, values)


def test_every_placeholder_has_a_value() -> None:
    words = ("{python}", "{inputs.docs}", "{inputs.x-y}", "{input.docs}", "{out}", "{stage_dir}", "{run_dir}")
    assert rendered((*words, "{run_id}", "{state_file}", "{progress_file}", "{params.p}"), p="v") == [
        "/usr/bin/python3", "a b.txt", "c", "in put", "01_s/artifact.jsonl", "01_s", "runs/r-1",
        "r-1", "state.json", "progress.jsonl", "v",
    ]  # fmt: skip


def test_placeholders_stand_anywhere_in_an_argument_and_double_braces_are_braces() -> None:
    assert rendered(("--in={inputs.docs}:{out}", "{{{run_id}}}", '{{"a": {{}}}}', "{{run_id}}")) == [
        "--in=a b.txt:01_s/artifact.jsonl",
        "{r-1}",
        '{"a": {}}',
        "{run_id}",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (None, ""),
        (3, "3"),
        (0.1, "0.1"),
        (1e-6, "1e-6"),
        ("", ""),
        ("{out} $HOME", "{out} $HOME"),
        (["é", 1, None], '["é",1,null]'),
        ({"a": {"b": True}}, '{"a":{"b":true}}'),
    ],
)
def test_a_parameter_is_text_or_json(value: Any, text: str) -> None:
    assert rendered(("{params.p}",), p=value) == [text]


def test_a_function_gets_its_arguments_as_json_without_what_is_null() -> None:
    (call,) = rendered((CALL,), p=[1], q=None)
    assert json.loads(call) == {"inputs": VALUES.inputs, "out": VALUES.out, "params": {"p": [1]}}


def test_the_options_of_an_entrypoint_come_out_as_they_should() -> None:
    module("m", "entrypoint: main.py\ndefault_params: {n: null, yes: true, many: [1, a], name: x}\n")
    write("data")
    command = stage("stages: [{id: s, module: m, inputs: {docs: data}}]\n").command
    params = {"n": None, "yes": True, "many": [1, "a"], "name": "x"}
    assert rendered(command, **params) == [
        "/usr/bin/python3", "modules/m/main.py", "--docs", "a b.txt", "--out", "01_s/artifact.jsonl",
        "--yes", "true", "--many", '[1,"a"]', "--name", "x",
    ]  # fmt: skip


def test_a_folder_with_braces_in_its_name_is_no_placeholder() -> None:
    write("{out}/modules/m/module.yaml", "module_id: m\nentrypoint: main.py\n")
    write("{out}/modules/m/main.py")
    recipe = write("{out}/r.yaml", "stages: [{stage: s, module: m}]\n")
    from taximeter.recipe.planner import make_plan

    assert render(make_plan(recipe).stages[0], VALUES)[1] == "{out}/modules/m/main.py"


def test_in_a_script_only_our_placeholders_are_filled() -> None:
    script = """awk '{print $1}' ${HOME} ${out} {a,b} {} {"x": {"y": 1}} {{out}} {outs} {inputs} {params.} > {out}"""
    assert rendered(script) == [
        "/bin/sh",
        "-c",
        script.replace("{{out}}", "{01_s/artifact.jsonl}")[: -len("{out}")] + "01_s/artifact.jsonl",
    ]


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        ("wc -l {inputs.x} > {out}", ">"),
        ("wc -l {inputs.x} >{out}", ">"),
        ("wc 2>> log", "2>>"),
        ("wc &> log", "&>"),
        ("wc < x", "<"),
        ("cat x | wc", "|"),
        ("test -e x || make", "||"),
        ("make && make test", "&&"),
        ("cd x; make", ";"),
        ("make &", "&"),
        ("echo a|b c>d e&f 1;2 -> => {out}", None),
        ("expr 1 '>' 2", None),
        ('find . -exec wc {} "x > y;" \\;', None),
        ('sh -c \'wc < "$1" | sort > "$2"; true\' sh {inputs.x} {out}', None),
    ],
)
def test_a_sign_for_a_shell_is_found_where_a_shell_would_heed_it(words: str, sign: str | None) -> None:
    assert first_sign(words) == sign


def shell(script: str, value: str) -> str:
    argv = rendered(script, p=value)
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout


HOSTILE = "a b'c\"d$(echo x)`echo y`\\n;#* {out} é"


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("printf %s {params.p}", "V"),
        ("printf %s pre{params.p}post", "preVpost"),
        ('printf %s "{params.p}"', "V"),
        ('printf %s "pre {params.p} post"', "pre V post"),
        ("printf %s '{params.p}'", "V"),
        ("printf %s '\"'{params.p}", '"V'),
        (r'printf %s "\"{params.p}"', '"V'),
        (r"printf %s \"{params.p}", '"V'),
        ("# don't\nprintf %s {params.p}", "V"),
        ("true; # don't \"\nprintf %s '{params.p}'", "V"),
        ("printf %s a#'{params.p}'", "a#V"),
        ('printf %s "$(printf %s {params.p})"', "V"),
        ('printf %s "$(printf %s "{params.p}")"', "V"),
        ("printf %s \"$(printf %s '{params.p}')\" | cat", "V"),
        ('(printf %s "$(true)"; printf %s {params.p})', "V"),
        ('x={params.p}; printf %s "$x"', "V"),
    ],
)
def test_a_value_in_a_script_stays_one_word_wherever_it_stands(script: str, printed: str) -> None:
    assert shell(script, HOSTILE) == printed.replace("V", HOSTILE)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")))
def test_any_value_comes_through_a_script_unchanged(value: str) -> None:
    script = "printf '%s|%s|%s' {params.p} \"{params.p}\" '{params.p}'"
    assert shell(script, value) == f"{value}|{value}|{value}"
