"""Artifacts, parameters and commands of planned stages."""

from __future__ import annotations

import json

import pytest

from taximeter.errors import SetupError
from tests.recipes import module, page, plan, stage, write


def test_out_of_a_stage_wins_over_outputs_of_its_id_and_of_its_kind() -> None:
    planned = plan(
        "outputs: {a: of-id.csv, k: of-kind/x.csv}\nstages:\n"
        "  - {id: a, stage: k, run: x, out: own.csv}\n  - {id: b, stage: k, run: x}\n  - {id: c, run: x}\n"
    )
    assert [s.out for s in planned.stages] == ["own.csv", "of-kind/x.csv", "artifact.jsonl"]
    assert stage("outputs: {a: of-id.csv, k: of-kind.csv}\nstages: [{id: a, stage: k, run: x}]\n").out == "of-id.csv"


def test_parameters_are_layered_from_the_schema_to_the_command_line() -> None:
    module(
        "m",
        "entrypoint: main.py\ndefault_params: {b: 2, c: 2, d: 2, e: 2, f: 2}\n"
        "param_schema:\n  properties:\n    a: {default: 1}\n    b: {default: 1}\n",
    )
    text = (
        "stage_params: {k: {c: 3, d: 3, e: 3, f: 3}, s: {d: 4, e: 4, f: 4}}\n"
        "stages: [{id: s, stage: k, module: m, params: {e: 5, f: 5}}]\n"
    )
    assert stage(text, set=("s.f=6",)).params == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}


def test_without_a_schema_every_parameter_is_taken() -> None:
    module("m", "entrypoint: main.py\n")
    assert stage("stages: [{stage: s, module: m, params: {any: [1, {b: null}]}}]\n").params == {"any": [1, {"b": None}]}


def test_a_schema_that_is_open_takes_more_parameters() -> None:
    module(
        "m",
        "entrypoint: main.py\nparam_schema: {properties: {a: {type: integer}}, additionalProperties: {type: string}}\n",
    )
    assert stage("stages: [{stage: s, module: m, params: {a: 1, b: x}}]\n").params == {"a": 1, "b": "x"}


def test_the_entrypoint_gets_an_option_for_each_input_the_artifact_and_each_parameter() -> None:
    module("m", "entrypoint: main.py\ndefault_params: {gone: null, max_items: 3}\n")
    write("d")
    planned = stage("stages: [{id: s, module: m, inputs: {docs: d, more: d}, params: {b-c: [1], x: }}]\n")
    assert planned.command == (
        "{python}", "modules/m/main.py", "--docs", "{inputs.docs}", "--more", "{inputs.more}", "--out", "{out}",
        "--max_items", "{params.max_items}", "--b-c", "{params.b-c}",
    )  # fmt: skip
    assert planned.params == {"gone": None, "max_items": 3, "b-c": [1], "x": None}


def test_an_entrypoint_is_found_beside_its_module_then_in_the_working_directory() -> None:
    module("m", "entrypoint: main.py\n")
    module("n", "entrypoint: tools/n.py\n")
    write("tools/n.py")
    planned = plan("stages:\n  - {stage: a, module: m}\n  - {stage: b, module: n}\n")
    assert [s.command[1] for s in planned.stages] == ["modules/m/main.py", "tools/n.py"]


def test_a_packages_module_runs_by_its_name() -> None:
    module("m", "entrypoint: some.package\n")
    assert stage("stages: [{stage: s, module: m}]\n").command == ("{python}", "-m", "some.package", "--out", "{out}")


def test_a_function_is_called_by_a_runner() -> None:
    module("m", "entrypoint: main.py:work\n")
    command = stage("stages: [{stage: s, module: m, params: {a: 1}}]\n").command
    assert command == ("{python}", "-m", "taximeter.run.function", "modules/m/main.py", "work", "{call}")


def test_a_modules_command_is_split_like_a_shell_does_but_not_run_by_one() -> None:
    module("m", "command: \"node 'my tool.js' --in={inputs.input} ${HOME}\"\n".replace("${HOME}", "{{x}}"))
    write("d")
    planned = stage("input: {input: d}\nstages: [{stage: s, module: m}]\n")
    assert planned.command == ("node", "my tool.js", "--in={inputs.input}", "{{x}}")


@pytest.mark.parametrize("command", ["python -c 'print(1)'", ["python", "-c", "print(1)"]])
def test_the_program_python_is_the_drivers_interpreter(command: str | list[str]) -> None:
    module("m", f"command: {json.dumps(command)}\n")
    assert stage("stages: [{stage: s, module: m}]\n").command == ("{python}", "-c", "print(1)")


def test_in_a_run_python_is_the_drivers_interpreter_unless_a_shell_looks_it_up() -> None:
    assert stage("stages: [{stage: s, run: [python, python]}]\n").command == ("{python}", "python")
    assert stage("stages: [{stage: s, run: [python3]}]\n").command == ("python3",)
    assert stage("stages: [{stage: s, run: python x.py}]\n").command == "python x.py"


def test_a_stage_that_nothing_else_names_is_called_like_its_module() -> None:
    module("m", "entrypoint: main.py\n")
    planned = plan("stages:\n  - {module: m}\n  - {module: m}\n")
    assert [(s.id, s.stage) for s in planned.stages] == [("m", "m"), ("m-2", "m")]


def test_braces_that_are_not_nearly_ours_are_left_to_the_shell() -> None:
    script = "awk '{print}{next}{exit}' {count} {file} {a,b} {} ${outt} ${{out} {''outt} {print.x} {{out}}"
    assert stage(f"stages: [{{stage: s, run: {json.dumps(script)}}}]\n").command == script


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{outt}", "{out}"),
        ("{pyton}", "{python}"),
        ("{stage-dir}", "{stage_dir}"),
        ("{inputs}", "{inputs.NAME}"),
        ("{params.}", "{params.NAME}"),
        ("{param.x}", "{params.x}"),
    ],
)
def test_what_is_nearly_a_placeholder_of_a_script_is_told(written: str, meant: str) -> None:
    itself = written.replace("{", "{''")
    assert page(f'stages:\n- stage: s\n  run: "echo {written}"\n') == [
        f"r.yaml:3:14: unknown placeholder `{written}` [did you mean `{meant}`? for the text itself write `{itself}`]"
    ]


@pytest.mark.parametrize("program", ["''", "' '"])
def test_a_command_begins_with_a_program(program: str) -> None:
    assert page(f"stages: [{{stage: s, run: [{program}]}}]\n") == [
        "r.yaml:1:27: the command does not begin with a program [write it first, as in [python, script.py]]"
    ]


def test_a_command_can_speak_of_a_declared_parameter_that_is_not_set() -> None:
    module(
        "m",
        "command: [x, '{params.a}', '{params.b}']\ndefault_params: {b: 1}\n"
        "param_schema: {properties: {a: {type: string}}}\n",
    )
    write("x")
    assert stage("stages: [{stage: s, module: m}]\n").params == {"b": 1}


def test_mock_puts_stand_ins_in_place_and_marks_them() -> None:
    module("real", "entrypoint: main.py\nmock: main.py:fake\n")
    module("tool", "command: x {out}\nmock: fakes.tool\n")
    module("plain", "entrypoint: main.py\n")
    text = "stages:\n" + "".join(f"  - {{stage: {name}, module: {name}}}\n" for name in ("real", "tool", "plain"))
    text += "  - {stage: d, run: x}\n"
    assert [s.mocked for s in plan(text).stages] == [False] * 4
    mocked = plan(text, mock=True).stages
    assert [s.mocked for s in mocked] == [True, True, False, False]
    assert mocked[0].command[2:5] == ("taximeter.run.function", "modules/real/main.py", "fake")
    assert mocked[1].command[:3] == ("{python}", "-m", "fakes.tool")


def test_a_stand_in_that_is_not_there_is_missed_only_when_asked_for() -> None:
    module("m", "entrypoint: main.py\nmock: fake.py\n")
    plan("stages: [{stage: a, module: m}]\n")
    with pytest.raises(SetupError, match=r"modules/m/module.yaml:3:1: there is no file `fake.py`"):
        plan("stages: [{stage: a, module: m}]\n", mock=True)
