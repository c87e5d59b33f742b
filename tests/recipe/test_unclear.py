"""What YAML itself leaves unclear in a recipe keeps nothing else of it from being checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import module, page, write

WRITE_OUT = "[write out what it stands for; for text: put it in quotes]"
OCTAL = "`010` is octal to some readers of YAML and decimal to others [write 10, or for text: '010']"


def test_what_is_unclear_is_told_together_with_all_else() -> None:
    recipe = """
name: traps
unknwon: 3
stages:
  - {id: 010, run: "true", timeout: soon}
  - {id: a, run: "true", retries: {count: 010, on: [010, 300]}}
  - {id: b, run: "true", run: "cat {inputs.a}", out: /etc/x}
  - {id: c, run: *foo, needs: [nowhere]}
  - {id: d, <<: {run: "true"}, needs: [a, "010"]}
  - {id: e, run: "echo {params.n}", params: {n: 010, m: &a 3}, needs: [x, 010]}
  - {id: f, run: !!str "x", 1: y}
  - *g
"""
    known = "known: `010`, `a`, `b`, `c`, `d`, `e`, `f`"
    assert page(recipe) == [
        "r.yaml:3:1: unknown key `unknwon` [known: `budget`, `input`, `instrumentation`, `name`, `output_dir`, "
        "`outputs`, `run_id`, `settings`, `stage_params`, `stages`, `tags`]",
        f"r.yaml:5:10: {OCTAL}",
        "r.yaml:5:28: `timeout` must be seconds, or a duration, not the text `soon` "
        "[write it like 90, 1.5s, 30m or 1h 30m, at most 365d]",
        f"r.yaml:6:43: {OCTAL}",
        f"r.yaml:6:53: {OCTAL}",
        "r.yaml:7:26: the key `run` is given again [it is first given on line 7; keep one]",
        "r.yaml:7:49: `/etc/x` is no path inside the stage's folder [write a file name, or folders and a file name]",
        f"r.yaml:8:18: `*foo` is an alias, which is not allowed {WRITE_OUT}",
        f"r.yaml:8:32: there is no stage `nowhere` [{known}]",
        "r.yaml:9:13: merging with `<<` is not allowed [write the keys out]",
        f"r.yaml:10:49: {OCTAL}",
        "r.yaml:10:57: `&a` is an anchor, which is not allowed [leave it out; for text: put it in quotes]",
        f"r.yaml:10:75: {OCTAL}",
        "r.yaml:11:18: `!!str` is a tag, which is not allowed [leave it out; for text: put it in quotes]",
        "r.yaml:11:29: the key `1` is not text [write '1']",
        f"r.yaml:12:5: `*g` is an alias, which is not allowed {WRITE_OUT}",
    ]


@pytest.mark.parametrize(
    "recipe", ["*x", "{<<: {stages: []}}", "stages: *x", "stages: [a]\nstages: 3", "- *x", "!a {}"]
)
def test_where_all_is_unclear_nothing_else_is_told(recipe: str) -> None:
    assert len(page(recipe)) == 1


def test_a_parameter_that_is_unclear_is_not_missing() -> None:
    module("m", "command: x\nparam_schema: {properties: {n: {type: integer}}, required: [n]}\n")
    assert page("stages: [{module: m, params: {n: 010}}]") == [f"r.yaml:1:34: {OCTAL}"]


def test_a_module_is_checked_beside_what_is_unclear_in_it_and_its_stages_are() -> None:
    module("m", "command: [x, '{params.a}', '{params.b}']\ndefault_params: {a: 010}\nnots: x\n")
    assert page("stages: [{module: m, ouut: x, params: {b: 1}}]") == [
        "r.yaml:1:22: unknown key `ouut` [did you mean `out`?]",
        f"modules/m/module.yaml:3:21: {OCTAL}",
        "modules/m/module.yaml:4:1: unknown key `nots` [did you mean `notes`?]",
    ]


@pytest.mark.parametrize("text", ["\tcommand: x", "module_id: *m\ncommand: x", "*m"])
def test_a_module_of_which_nobody_knows_the_name_is_not_called_missing(text: str) -> None:
    write("modules/m/module.yaml", text)
    (told,) = page("stages: [{module: m}]")
    assert told.startswith("modules/m/module.yaml:1:")


def test_what_is_unclear_in_settings_is_told_with_what_is_wrong_in_the_recipe() -> None:
    settings = write("s.yaml", "stage_params: {a: {n: 010}}\nfoo: 1\n")
    told = page("stages: [{id: a, run: x, tiemout: 3}]", settings=settings)
    assert [line.partition("[")[0] for line in told] == [
        "r.yaml:1:26: unknown key `tiemout` ",
        f"s.yaml:1:23: {OCTAL.partition('[')[0]}",
        "s.yaml:2:1: unknown key `foo` ",
    ]


def test_what_settings_replace_need_not_be_clear_for_the_rest() -> None:
    settings = write("s.yaml", "stage_params: {a: {n: 1}}\n")
    assert page("stages: [{id: a, run: 'x {params.n}'}]\nstage_params: {a: {n: 010}}", settings=settings) == [
        f"r.yaml:2:23: {OCTAL}"
    ]


def test_nothing_is_left_beside_a_recipe_that_is_unclear() -> None:
    page("stages: [{id: 010, run: x}]")
    assert [path.name for path in Path().iterdir()] == ["r.yaml"]
