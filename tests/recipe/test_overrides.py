"""`--set stage.param=value`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recipes import module, page, plan

RECIPE = """stages:
  - {id: a, module: m}
  - {id: a.b, module: m}
  - {id: c=d, module: m}
  - {id: s, run: x, params: {x: 1}}
"""


@pytest.fixture(autouse=True)
def _module() -> None:
    module(
        "m", "command: x\nparam_schema: {additionalProperties: true, properties: {n: {type: integer, minimum: 1}}}\n"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-6", 1e-6),
        ("true", True),
        ("no", "no"),
        ("", None),
        ("null", None),
        ("''", ""),
        ("'3'", "3"),
        ('"a\\tb"', "a\tb"),
        ("[1, a]", [1, "a"]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("what: is # this *x & that", "what: is # this *x & that"),
        ("a=b", "a=b"),
        ("- x", "- x"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_a_value_is_a_scalar_or_flow_and_text_needs_no_quotes(text: str, value: Any) -> None:
    assert plan(RECIPE, set=(f"a.p={text}",)).stages[0].params == {"p": value}


def test_the_longest_stage_id_that_fits_is_meant() -> None:
    a, ab, cd, s = plan(RECIPE, set=("a.x=1", "a.b.x=2", "c=d.x=3", "s.x=4", "a.x=5")).stages
    assert [stage.params for stage in (a, ab, cd, s)] == [{"x": 5}, {"x": 2}, {"x": 3}, {"x": 4}]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a", "this does not say what to set [write `--set stage.param=value`]"),
        ("a.x", "this does not say what to set [write `--set stage.param=value`]"),
        ("x=1", "this does not say what to set [write `--set stage.param=value`]"),
        ("zz.x=1", "there is no stage `zz` [known: `a`, `a.b`, `c=d`, `s`]"),
        ("a,b.x=1", "there is no stage `a,b` [did you mean `a.b`?]"),
        ("a.=1", "`` cannot be a name [use letters, digits, `_`, `-` and `.`, and begin with a letter or `_`]"),
        ("a.n=0", "`n` must be at least 1, not the number 0"),
        ("a.n=few", "`n` must be a whole number, not the text `few`"),
        ("a.n=[1", "this `[` is never closed [close it]"),
        ("a.n=010", "`010` is octal to some readers of YAML and decimal to others [write 10, or for text: '010']"),
        ("a.n=\udcff", "this is not UTF-8"),
    ],
)
def test_what_is_wrong_with_an_option_is_told_under_its_name(text: str, problem: str) -> None:
    shown = ascii(text)[1:-1] if "\udcff" in text else text
    assert page(RECIPE, set=(text,)) == [f"--set {shown}: {problem}"]


def test_what_is_wrong_with_options_comes_after_what_is_wrong_with_files() -> None:
    assert page(RECIPE + "  - {id: e, run: x, needs: [f]}\n", set=("q.x=1", "a.x")) == [
        "r.yaml:6:29: there is no stage `f` [known: `a`, `a.b`, `c=d`, `e`, `s`]",
        "--set q.x=1: there is no stage `q` [known: `a`, `a.b`, `c=d`, `e`, `s`]",
        "--set a.x: this does not say what to set [write `--set stage.param=value`]",
    ]


PLAIN = "stages:\n  - {id: a, run: 'echo {params.used}', params: {said: 1}}\n  - {id: b, run: x}\n"


def test_a_plain_command_can_be_told_what_its_recipe_or_its_placeholders_know() -> None:
    assert plan(PLAIN, set=("a.used=1", "a.said=2")).stages[0].params == {"used": 1, "said": 2}


def test_what_neither_a_plain_command_nor_its_recipe_knows_cannot_be_set() -> None:
    assert page(PLAIN, set=("a.used=1", "a.sad=2", "b.n=1")) == [
        "--set a.sad=2: the stage has no parameter `sad` [did you mean `said`?]",
        "--set b.n=1: the stage has no parameter `n` [let its command say `{params.n}`]",
    ]
