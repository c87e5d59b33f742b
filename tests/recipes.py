"""Recipes and modules for tests, written into the working directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taximeter.errors import SetupError
from taximeter.recipe.options import PlanOptions
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.recipe.planner import make_plan


def write(path: str, text: str = "") -> Path:
    """A file, and the folders it is in."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return Path(path)


def module(name: str, text: str) -> None:
    """A module with a `main.py` beside it."""
    write(f"modules/{name}/module.yaml", f"module_id: {name}\n{text}")
    write(f"modules/{name}/main.py")


def plan(text: str, **options: Any) -> Plan:
    """The plan of a recipe."""
    return make_plan(write("r.yaml", text), PlanOptions(**options))


def stage(text: str, **options: Any) -> PlannedStage:
    """The first stage of the plan of a recipe."""
    return plan(text, **options).stages[0]


def page(text: str, **options: Any) -> list[str]:
    """What is wrong with a recipe, as people see it."""
    with pytest.raises(SetupError) as caught:
        plan(text, **options)
    return [f"{p.where or p.key}: {p.message}{f' [{p.hint}]' if p.hint else ''}" for p in caught.value.problems]
