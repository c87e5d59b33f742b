"""Where modules are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taximeter.errors import SetupError
from taximeter.recipe.registry import load_registry
from tests.recipes import module, page, plan, stage, write

RECIPE = "stages: [{stage: s, module: m}]\n"


def test_every_module_below_the_directory_counts_and_other_folders_do_not() -> None:
    module("b", "command: x\n")
    write("modules/deep/er/module.yaml", "module_id: a\ncommand: x\n")
    write("modules/data/other.yaml", "not: a module\n")
    write("modules/README.md", "hello\n")
    assert sorted(load_registry(Path("modules"))) == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "module_id: m\ncommand: x\n",
        "- module_id: m\n  command: x\n- module_id: n\n  command: y\n",
        "modules:\n  - module_id: m\n    command: x\n",
        json.dumps({"modules": [{"module_id": "m", "command": ["x"]}]}),
    ],
)
def test_one_file_can_have_one_module_or_all(text: str) -> None:
    registry = write("all.yaml", text)
    assert stage(RECIPE, registry=registry).command == ("x",)


def test_files_of_modules_in_one_file_are_looked_up_beside_it() -> None:
    write("lib/all.yaml", "- {module_id: m, entrypoint: m.py}\n")
    write("lib/m.py")
    assert stage(RECIPE, registry=Path("lib/all.yaml")).command[1] == "lib/m.py"


def test_the_registry_is_beside_the_recipe_then_in_the_working_directory() -> None:
    from taximeter.recipe.planner import make_plan

    recipe = write("recipes/r.yaml", RECIPE)
    write("modules/m/module.yaml", "module_id: m\ncommand: here\n")
    assert make_plan(recipe).stages[0].command == ("here",)
    write("recipes/modules/m/module.yaml", "module_id: m\ncommand: beside\n")
    assert make_plan(recipe).stages[0].command == ("beside",)


def test_a_registry_is_not_looked_at_when_no_stage_names_a_module() -> None:
    write("modules/m/module.yaml", "broken: [")
    plan("stages: [{stage: s, run: x}]\n")
    plan("stages: [{stage: s, run: x}]\n", registry=Path("nowhere"))


def test_a_missing_registry_is_one_problem() -> None:
    text = "stages:\n  - {stage: s, module: m}\n  - {stage: t, module: n}\n"
    assert page(text) == [
        "r.yaml:2:16: there is no registry of modules [put modules into `modules/` beside the recipe "
        "or in the working directory, or give `--registry`]"
    ]
    assert page(text, registry=Path("nowhere")) == [
        "--registry: there is no registry `nowhere` [name a folder that holds each module's `module.yaml`, or one YAML "
        "file with all]"
    ]


def test_two_modules_of_one_id_are_named_with_their_places() -> None:
    write("modules/a/module.yaml", "x-note: 1\nmodule_id: m\ncommand: x\n")
    write("modules/b/module.yaml", "module_id: m\ncommand: y\n")
    assert page(RECIPE) == [
        "modules/b/module.yaml:1:1: there is another module `m` [the first is in modules/a/module.yaml, line 2]"
    ]


def test_all_broken_modules_are_told_and_those_who_name_them_are_not_blamed() -> None:
    write("modules/a/module.yaml", "module_id: m\ncommand: {x}\n")
    write("modules/b/module.yaml", "module_id: [\n")
    with pytest.raises(SetupError) as caught:
        load_registry(Path("modules"))
    assert len(caught.value.problems) == 2
    assert page(RECIPE) == [
        "modules/a/module.yaml:2:1: `command` must be text or a list, not a map "
        "[put it in quotes: what begins with `{` or holds `: ` is a map]",
        "modules/b/module.yaml:1:12: this `[` is never closed [close it]",
    ]


def test_a_module_in_a_list_is_placed_in_its_file() -> None:
    write("all.yaml", "- {module_id: m, command: x, zzz: 1}\n- 3\n")
    assert page(RECIPE, registry=Path("all.yaml")) == [
        "all.yaml:1:30: unknown key `zzz` [known: `command`, `default_params`, `entrypoint`, `input_schema`, "
        "`mock`, `module_id`, `notes`, `output_schema`, `param_schema`, `stage`]",
        "all.yaml:2:3: this must be a map, not the number 3",
    ]
