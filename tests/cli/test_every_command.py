"""What holds for every command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from taximeter.cli.main import cli as root
from tests.runs import Writing, call, plan, stage


def commands(group: click.Group = root, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*path, name), command


EVERY = dict(commands())


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_it_can_speak_json(path: tuple[str, ...]) -> None:
    options = {text for param in EVERY[path].params for text in param.opts}
    assert "--json" in options


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_it_says_what_it_is_for(path: tuple[str, ...]) -> None:
    help_text = EVERY[path].help or ""
    assert help_text.strip()
    assert help_text.strip().splitlines()[0].endswith((".", ":")) or "\n" in help_text


LISTING = [
    ["runs"],
    ["show", "r"],
    ["tail", "r"],
    ["prices"],
    ["doctor"],
    ["diff", "r", "r"],
    ["check", "r", "--max-cost", "5"],
    ["report", "r", "--format", "md"],
    ["export", "r", "--to", "csv"],
    ["reprice", "r"],
    ["repair", "r"],
    ["prune", "--keep", "1d"],
    ["completion", "bash"],
    ["baseline", "show"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("there")
    writing = Writing(folder / "output", plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    writing.end("a")
    writing.close()
    return folder


@pytest.mark.parametrize("arguments", LISTING, ids=" ".join)
def test_it_survives_a_reader_that_has_gone(folder: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "taximeter", *arguments], cwd=folder, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.parametrize("arguments", [one for one in LISTING[:8] if one != ["doctor"]], ids=" ".join)
def test_it_fits_into_a_narrow_terminal_without_colour(folder: Path, arguments: list[str]) -> None:
    environment = os.environ | {"COLUMNS": "48", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "taximeter", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    rows = [line for line in done.stdout.splitlines() if "  " in line.strip() or "─" in line]
    assert all(len(row) <= 48 for row in rows if "•" not in row and "|" not in row), done.stdout
