"""The order and the names of stages, what they read, and the plan as a whole."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.recipe.plan import RowSchema, Source, read_plan
from taximeter.recipe.planner import check, make_plan
from taximeter.recipe.rowschema import SchemaTable
from tests.recipes import module, plan, stage, write


def test_a_linear_recipe_is_a_chain() -> None:
    write("docs.txt")
    planned = plan(
        "input: {docs: docs.txt}\nstages:\n  - {stage: a, run: x}\n  - {stage: b, run: y}\n  - {stage: c, run: z}\n"
    )
    assert [(s.id, s.inputs, s.needs) for s in planned.stages] == [
        ("a", {"docs": Source(path="docs.txt")}, ()),
        ("b", {"input": Source(stage="a")}, ("a",)),
        ("c", {"input": Source(stage="b")}, ("b",)),
    ]


def test_repeated_names_of_a_linear_recipe_get_ids_of_their_own() -> None:
    planned = plan(
        "stages:" + "".join(f"\n  - {{stage: {name}, run: x}}" for name in ["a", "a", "a-2", "a", "b", "a-2"])
    )
    assert [(s.id, s.stage) for s in planned.stages] == [
        ("a", "a"),
        ("a-3", "a"),
        ("a-2", "a-2"),
        ("a-4", "a"),
        ("b", "b"),
        ("a-2-2", "a-2"),
    ]


def test_one_key_that_names_other_stages_makes_it_a_graph() -> None:
    planned = plan("stages:\n  - {stage: a, run: x}\n  - {stage: b, run: y, needs: []}\n")
    assert [s.inputs for s in planned.stages] == [{}, {}]


def test_stages_come_after_what_they_need_and_else_as_authored() -> None:
    planned = plan(
        "stages:\n  - {id: d, run: x, needs: [b, a]}\n  - {id: c, run: x}\n"
        "  - {id: b, run: x, inputs: {q: a}}\n  - {id: a, run: x}\n"
    )
    assert [(s.index, s.id, s.folder) for s in planned.stages] == [
        (1, "c", "01_c"),
        (2, "a", "02_a"),
        (3, "b", "03_b"),
        (4, "d", "04_d"),
    ]


def test_an_input_is_a_stage_if_one_has_that_id_else_a_path() -> None:
    write("a")
    write("b")
    first = plan(
        "stages:\n  - {id: c, run: x, inputs: {p: b, q: a}, needs: [d]}\n  - {id: a, run: x}\n  - {id: d, run: x}\n"
    ).stages[2]
    assert first.inputs == {"p": Source(path="b"), "q": Source(stage="a")}
    assert first.needs == ("d", "a")


def test_names_are_free_text_and_folders_are_safe() -> None:
    one, two = plan('stages:\n  - {id: "../[red]\\n", run: x}\n  - {id: "…", stage: "a b", run: x}\n').stages
    assert (one.id, one.stage) == ("../[red]\n", "../[red]\n")
    assert one.folder.startswith("01_red~")
    assert (two.id, two.stage) == ("…", "a b")
    assert two.folder.startswith("02_~")


def test_a_stage_without_a_kind_takes_its_modules() -> None:
    module("tidy", "stage: cleaning\nentrypoint: main.py\n")
    assert [(s.id, s.stage) for s in plan("stages:\n  - module: tidy\n  - module: tidy\n").stages] == [
        ("cleaning", "cleaning"),
        ("cleaning-2", "cleaning"),
    ]


@given(st.data())
def test_every_order_is_topological(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    rank = data.draw(st.permutations(range(count)))
    stages = [
        {
            "id": f"s{i}",
            "run": "x",
            "needs": sorted(
                data.draw(st.sets(st.sampled_from([f"s{j}" for j in range(count) if rank[j] < rank[i]] or ["x"])))
                - {"x"}
            ),
        }
        for i in range(count)
    ]
    planned = plan(json.dumps({"stages": stages}))
    done: set[str] = set()
    for planned_stage in planned.stages:
        assert done.issuperset(planned_stage.needs)
        done.add(planned_stage.id)
    assert done == {one["id"] for one in stages}


def test_the_plan_says_what_the_recipe_asks_for() -> None:
    write("d")
    planned = plan(
        "name: demo\nrun_id: r-1\noutput_dir: out\ntags: {a: b}\nsettings: {x: [1]}\ninput: {d: d}\nx-free: {y: 1}\n"
        "instrumentation: {enabled: true, include_calls: true, x-z: 1}\n"
        "stages: [{stage: s, run: x, description: 'a\\nb', x-note: 1}]\n"
    )
    assert (planned.recipe_name, planned.recipe_path, planned.run_id, planned.output_dir) == (
        "demo",
        "r.yaml",
        "r-1",
        "out",
    )
    assert (planned.tags, planned.settings, planned.input) == ({"a": "b"}, {"x": [1]}, {"d": "d"})
    assert planned.instrumentation.enabled
    assert planned.stages[0].description == "a\\nb"


def test_a_recipe_without_a_name_is_called_like_its_file() -> None:
    assert make_plan(write("some/demo.recipe.yaml", "stages: [{stage: s, run: x}]\n")).recipe_name == "demo.recipe"


def test_the_plan_tells_what_a_module_says_about_itself() -> None:
    module("m", "entrypoint: main.py\ninput_schema: a_v1\noutput_schema: b_v1\nnotes: be careful\n")
    planned = stage("stages: [{stage: s, module: m}]\n", schemas=SchemaTable(lambda: ("a_v1", "b_v1")))
    assert (planned.module_id, planned.input_schema, planned.output_schema, planned.notes) == (
        "m",
        RowSchema("a_v1", format="a_v1"),
        RowSchema("b_v1", format="b_v1"),
        "be careful",
    )


def test_a_snapshot_is_read_back_and_holds_no_value_of_the_environment() -> None:
    planned = plan(
        "stages:\n  - {id: a, run: [x, '{out}'], env: {TOKEN: hush-hush}}\n"
        "  - {id: b, run: 'x {out}', inputs: {q: a}}\n"
    )
    assert planned.stages[0].env == {"TOKEN": "hush-hush"}
    snapshot = planned.snapshot()
    assert b"hush-hush" not in snapshot
    assert json.loads(snapshot)["schema_version"] == "plan_v1"
    assert json.loads(snapshot)["stages"][0]["env_names"] == ["TOKEN"]
    assert json.loads(snapshot)["stages"][1]["inputs"] == {"q": {"stage": "a"}}
    read = read_plan(write("plan.json", snapshot.decode()))
    assert read.stages[1:] == planned.stages[1:]
    assert (read.stages[0].env, read.stages[0].command) == ({}, ("x", "{out}"))


def test_a_check_gives_the_recipe_and_the_modules_that_the_plan_uses() -> None:
    module("m", "entrypoint: main.py\n")
    module("unused", "entrypoint: main.py\n")
    checked = check(write("r.yaml", "stages: [{stage: s, module: m}]\n"))
    assert list(checked.modules) == ["m"]
    assert checked.recipe.document.text == "stages: [{stage: s, module: m}]\n"


@pytest.mark.slow
def test_the_memory_of_a_plan_grows_with_its_stages_and_no_faster() -> None:
    def peak(stages: int) -> int:
        chain = [{"id": f"s{i}", "run": "true", "needs": [f"s{i - 1}"] if i else []} for i in range(stages)]
        text = json.dumps({"stages": chain})
        tracemalloc.start()
        assert [planned.id for planned in plan(text).stages] == [f"s{i}" for i in range(stages)]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)  # what is imported and kept
    assert peak(5000) < 15 * peak(500)
