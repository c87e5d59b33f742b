"""Whatever is written, there is a plan or a page of problems; and both come quickly."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.errors import SetupError
from taximeter.yamldoc import Value
from tests.recipes import module, plan, write

KEYS = st.sampled_from(
    ["name", "input", "stages", "stage", "id", "run", "module", "needs", "inputs", "params", "out", "outputs", "env",
     "stage_params", "instrumentation", "price_table", "include_calls", "timeout", "tags", "settings", "x-a", "zzz"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["a", "b", "m", "", " ", "{out}", "{inputs.a}", "{x}", "cat {params.p}", "../x", ".", "é\u202e", "r.yaml"]
)
NONSENSE: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | WORDS, inner, max_size=4),
    max_leaves=12,
)
STAGES = st.fixed_dictionaries(
    {},
    optional={
        "id": WORDS, "stage": WORDS, "module": WORDS, "run": WORDS | st.lists(WORDS, max_size=3), "out": WORDS,
        "needs": st.lists(WORDS, max_size=2), "inputs": st.dictionaries(WORDS, WORDS, max_size=2), "params": NONSENSE,
    },
)  # fmt: skip


@given(
    NONSENSE
    | st.fixed_dictionaries(
        {"stages": st.lists(STAGES | NONSENSE, max_size=4)}, optional={"input": NONSENSE, "outputs": NONSENSE}
    )
)
def test_any_recipe_gives_a_plan_or_a_page_of_problems(recipe: Value) -> None:
    module("m", "command: [x, '{params.p}']\nparam_schema: {properties: {p: {type: integer}}}\n")
    try:
        planned = plan(json.dumps(recipe))
    except SetupError as error:
        assert error.problems
        assert all(problem.message.isprintable() and problem.line for problem in error.problems)
    else:
        assert planned.snapshot()


UNCLEAR = {'"a"': "010", '"b"': "*b", '"m"': "&m m", '"x-a"': "<<", '"p"': '"p": 1, "p"', '"../x"': "!x y"}


@given(
    st.fixed_dictionaries({"stages": st.lists(STAGES | NONSENSE, max_size=4)}, optional={"input": NONSENSE}),
    st.sets(st.sampled_from(sorted(UNCLEAR))),
)
def test_any_unclear_recipe_gives_a_plan_or_a_page_on_which_nothing_stands_twice(
    recipe: Value, traps: set[str]
) -> None:
    text = json.dumps(recipe)
    for trap in traps:
        text = text.replace(trap, UNCLEAR[trap])
    try:
        plan(text)
    except SetupError as error:
        assert all(problem.message.isprintable() and problem.line for problem in error.problems)
        assert len(set(error.problems)) == len(error.problems)


@given(NONSENSE)
def test_any_module_gives_a_plan_or_a_page_of_problems(block: Value) -> None:
    write("modules/n/module.yaml", json.dumps({"module_id": "n", "command": "x", "param_schema": block}))
    try:
        plan('{"stages": [{"stage": "s", "module": "n", "params": {"a": 1}}]}')
    except SetupError as error:
        assert error.problems


def test_five_thousand_stages_are_planned_quickly() -> None:
    module("m", "entrypoint: main.py\nparam_schema: {properties: {limit: {type: integer}}}\n")
    text = "stages:\n  - {id: s0, run: x}\n" + "".join(
        f"  - id: s{i}\n    module: m\n    inputs: {{q: s{i - 1}}}\n    params: {{limit: {i}}}\n"
        for i in range(1, 5000)
    )
    before = time.process_time()
    assert len(plan(text).stages) == 5000
    assert time.process_time() - before < 6


def test_a_page_of_five_thousand_problems_is_made_quickly() -> None:
    text = "stages:\n" + "".join(f"  - {{id: s{i}, run: x, needs: [t{i}]}}\n" for i in range(5000))
    before = time.process_time()
    with pytest.raises(SetupError) as caught:
        plan(text)
    assert len(caught.value.problems) == 5000
    assert time.process_time() - before < 20
