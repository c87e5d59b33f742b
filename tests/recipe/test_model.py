"""The JSON Schemas of the public formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from taximeter.recipe.model import RecipeBlock
from taximeter.yamldoc.modelled import model_of


@pytest.mark.parametrize("name", ["recipe", "module"])
def test_every_key_of_a_format_is_described(name: str) -> None:
    schema = json.loads((Path(__file__).parents[2] / f"docs/schemas/{name}.json").read_text())
    for block in [schema, *schema.get("$defs", {}).values()]:
        assert block["title"]
        assert block["description"]
        if name == "recipe":
            assert all(about.get("description") for about in block["properties"].values())


@pytest.mark.parametrize(
    ("recipe", "fits"),
    [
        ({"stages": [{"stage": "a", "run": "x"}], "x-any": 1}, True),
        ({"stages": [{"stage": "a", "run": ["x"], "x-any": 1}], "instrumentation": {"include_calls": True}}, True),
        ({"stages": [{"stage": "a", "run": "x", "module": "m"}]}, False),
        ({"stages": [{"stage": "a"}]}, False),
        ({"stages": [{"stage": "a", "run": "x", "timeout": 3}]}, True),
        ({"stages": [{"stage": "a", "run": "x", "timeout": "1h 30m", "resources": {"memory": "2GiB"}}]}, True),
        ({"stages": [{"stage": "a", "run": "x", "timeout": "soon"}]}, False),
        ({"stages": [{"stage": "a", "run": "x", "retries": {"count": 2, "on": [3]}}]}, True),
        ({"stages": [{"stage": "a", "run": "x", "retries": 2}]}, False),
        ({"stages": []}, False),
        ({"stages": [{"stage": "a", "run": "x"}], "zzz": 1}, False),
        ({"stages": [{"stage": "a", "run": "x", "params": {"a b": 1}}]}, True),
    ],
)
def test_an_editor_with_the_schema_accepts_what_the_driver_accepts(recipe: dict[str, Any], fits: bool) -> None:
    assert jsonschema.Draft202012Validator(model_of(RecipeBlock).model_json_schema()).is_valid(recipe) == fits
