"""Whatever stands in the files that a person writes, the command line answers with a plan or one page: no traceback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter.cli.failure import page
from taximeter.cli.main import cli
from taximeter.errors import SetupError
from taximeter.pricing.schema import PriceSheetBlock
from taximeter.recipe.model import InstrumentationBlock, RecipeBlock
from taximeter.recipe.module import ModuleBlock
from taximeter.run.config import RunConfigBlock
from taximeter.yamldoc.modelled import model_of

PIECES = st.sampled_from(
    ["stages", "recipe", "models", "execution", "jobs", "instrumentation", "settings", ": ", "\n", "- ", "  ",
     "[", "]", "{", "}", "run", "id", "a", "'", '"', "1e-6", "010",
     "no", "\t", "*a", "&a", "\x00", "\u202e", "~", "r.yaml", "true", "-1"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join).map(str.encode) | st.binary(max_size=40)
MODELS = {
    "recipe": model_of(RecipeBlock),
    "--settings": model_of(RecipeBlock),
    "--config": model_of(RunConfigBlock),
    "--price-table": PriceSheetBlock,
    "--instrument-config": model_of(InstrumentationBlock),
    "--registry": model_of(ModuleBlock),
}
"""The format of the file that each option names."""

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(-2, 2)
    | st.sampled_from(
        ["a", "m", "r.yaml", "", "../x", "{out}", "EUR", "1M", "5m", "2026-02-30", "16:30-00:30", "[", "cliff"]
    )
)


def names_in(schema: Any) -> Iterator[str]:
    """Every key that a JSON Schema knows at any depth, and what stands for one."""
    for key, value in schema.items() if isinstance(schema, dict) else ():
        if key == "properties":
            yield from value
        yield from names_in(value)


def values(option: str) -> st.SearchStrategy[Any]:
    """What a person may think that the file can hold: the right keys in wrong places, with wrong values."""
    keys = st.sampled_from(sorted({*names_in(MODELS[option].model_json_schema()), "x", "zzz"}))
    inner = st.recursive(
        LEAVES,
        lambda part: st.lists(part, max_size=3) | st.dictionaries(keys, part, max_size=5),
        max_leaves=15,
    )
    top = sorted({*MODELS[option].model_fields, "zzz"})
    return st.dictionaries(st.sampled_from(top), inner, max_size=5) | inner


OPTIONS = st.sampled_from(list(MODELS))
FILES = OPTIONS.flatmap(
    lambda option: st.tuples(st.just(option), TEXTS | values(option).map(lambda value: json.dumps(value).encode()))
)
GOOD = b"stages: [{id: a, run: x}]\n"


@pytest.mark.slow
@given(FILES)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_file_gives_a_plan_or_one_page(file: tuple[str, bytes]) -> None:
    option, content = file
    here = os.open(".", os.O_RDONLY)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            uses_module = option == "--registry"
            Path("r.yaml").write_bytes(b"stages: [{id: a, module: m}]" if uses_module else GOOD)
            Path("file.yaml").write_bytes(content)
            arguments = ["file.yaml"] if option == "recipe" else ["r.yaml", option, "file.yaml"]
            told = io.TextIOWrapper(io.BytesIO())
            with contextlib.redirect_stdout(told):
                cli.main(["run", *arguments, "--instrument", "--dump-plan"], standalone_mode=False)
            assert told.buffer.tell()
        except SetupError as error:
            assert error.problems
            assert page(error).replace("\n", "").isprintable()
        except click.UsageError:
            pass
        finally:
            os.fchdir(here)
            os.close(here)
