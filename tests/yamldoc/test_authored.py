"""What is taken without pydantic is what pydantic would have taken, and means the same."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.recipe.model import InstrumentationBlock, RecipeBlock, StageBlock
from taximeter.recipe.module import ModuleBlock
from taximeter.run.config import RunConfigBlock
from taximeter.yamldoc.authored import Authored, take
from taximeter.yamldoc.modelled import block_of, model_of

BLOCKS: list[type[Authored]] = [RecipeBlock, StageBlock, InstrumentationBlock, ModuleBlock, RunConfigBlock]
WORDS = [
    "a",
    "ä",
    "a b",
    "",
    " ",
    "\x1c",
    "a\n",
    "²",
    "a²",
    "x-y",
    "30m",
    "0s",
    "2GiB",
    "m.py:f",
    "auto",
    "warn",
    "FOO",
]
LEAVES = (
    st.sampled_from([None, True, False, 0, 1, -1, 2**63, 10**30, 0.5, 1.0, 1e-13, 1e300, float("inf"), float("nan")])
    | st.sampled_from(WORDS)
    | st.text(max_size=3)
)


def values(kind: type[Authored]) -> st.SearchStrategy[Any]:
    """Maps with the keys of a block, most of which fit and some of which do not."""
    keys = sorted(model_of(kind).model_json_schema()["properties"])
    inner = st.recursive(
        LEAVES,
        lambda parts: (
            st.lists(parts, max_size=2)
            | st.dictionaries(
                st.sampled_from([*WORDS, "run", "stage", "cost", "wall", "count", "delay", "cpus"]), parts
            )
        ),
        max_leaves=6,
    )
    return st.dictionaries(st.sampled_from([*keys, "x-free", "zzz"]), inner, max_size=4)


STAGES = st.lists(values(StageBlock).map(lambda stage: stage | {"run": ["true"]}), min_size=1, max_size=2)


@given(st.sampled_from(BLOCKS).flatmap(lambda kind: st.tuples(st.just(kind), values(kind))), STAGES)
def test_nothing_else_is_taken(written: tuple[type[Authored], dict[str, Any]], stages: list[Any]) -> None:
    kind, value = written
    if kind is RecipeBlock:
        value = value | {"stages": stages}
    if (taken := take(kind, value)) is not None:
        model = model_of(kind).model_validate(value)
        assert taken == block_of(kind, model)
        assert repr(taken) == repr(block_of(kind, model))


@pytest.mark.parametrize(
    "stage",
    [
        {"run": "true", "timeout": "1h 30m", "retries": {"count": 2, "delay": "5s", "on": [1]}},
        {"run": ["a"], "id": "a", "needs": ["b"], "inputs": {"x": "b"}, "params": {"n": None}, "env": {"A B": "c"}},
        {"module": "m", "resources": {"cpus": 2, "memory": "2GiB"}, "budget": {"cost": 0.1, "wall": "3m"}, "x-a": 1},
    ],
)
def test_what_people_write_is_taken(stage: dict[str, Any]) -> None:
    taken = take(RecipeBlock, {"stages": [stage], "x-note": [], "instrumentation": {"enabled": True}})
    assert taken is not None
    assert taken.instrumentation == InstrumentationBlock(enabled=True)
    if (budget := taken.stages[0].budget) is not None:
        assert budget.cost == Decimal("0.1")
        assert budget.wall == 180.0


def test_a_run_of_a_recipe_that_fits_loads_neither_pydantic_nor_what_it_does_not_use(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "module.yaml").write_text("module_id: m\ncommand: [sh, -c, 'echo {{}} > {out}']\n")
    stages = "stages: [{module: m, timeout: 30m}, {run: [cat, '{inputs.input}'], stage: b}]"
    (tmp_path / "r.yaml").write_text(f"instrumentation: {{enabled: true}}\n{stages}\n")
    code = "import sys; sys.argv = ['taximeter', 'run', 'r.yaml']; from taximeter.cli.main import main\n"
    code += "try: main()\nexcept SystemExit as end: assert not end.code, end\nprint(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    loaded = set(ran.stderr.splitlines()[-1].split())
    unwanted = {
        "pydantic",
        "pydantic_core",
        "jsonschema",
        "rich.live",
        "asyncio",
        "email",
        "httpx",
        "duckdb",
        "pyarrow",
    }
    assert not unwanted & loaded
    assert "taximeter.report.html" in loaded
