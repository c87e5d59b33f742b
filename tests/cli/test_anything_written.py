"""Whatever stands in the files that a person writes, the command line answers with a plan or one page: no traceback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path

import click
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter.cli.failure import page
from taximeter.cli.main import cli
from taximeter.errors import SetupError

PIECES = st.sampled_from(
    ["stages", "recipe", "models", "execution", "jobs", "instrumentation", "settings", ": ", "\n", "- ", "  ",
     "[", "]", "{", "}", "run", "id", "a", "'", '"', "1e-6", "010",
     "no", "\t", "*a", "&a", "\x00", "\u202e", "~", "r.yaml", "true", "-1"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join).map(str.encode) | st.binary(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "r.yaml", "", "../x", "{out}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["stages", "id", "run", "execution", "models", "jobs", "zzz"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
FILES = TEXTS | VALUES.map(lambda value: json.dumps(value).encode())
GOOD = b"stages: [{id: a, run: x}]\n"


@given(
    st.sampled_from(["recipe", "--settings", "--config", "--price-table", "--instrument-config", "--registry"]), FILES
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_file_gives_a_plan_or_one_page(option: str, content: bytes) -> None:
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
