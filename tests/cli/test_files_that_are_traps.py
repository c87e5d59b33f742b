"""Whatever a file is, and wherever it is named, the command ends with exit code 2 and one page: never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.recipes import write

PLACES = {
    "recipe": ["trap"],
    "module": ["module.yaml", "--registry", "trap"],
    "schema": ["module.yaml", "--registry", "schema.yaml"],
    "settings": ["r.yaml", "--settings", "trap"],
    "config": ["--config", "trap"],
    "instrument config": ["r.yaml", "--instrument-config", "trap"],
    "price sheet": ["r.yaml", "--instrument", "--price-table", "trap"],
}
"""Arguments by which the file `trap` is read as each of them."""

GIGABYTE = 1 << 30
ALIASES = b"a: &a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (c, c, c - 1, c - 1) for c in b"bcdefghijk")
TEXTS = {
    "nothing": b"",
    "a float that is text to others": b"1e-6",
    "octal": b"stages: 010",
    "a word that means no": b"[no]",
    "a key twice": b"a: 1\na: 2\n",
    "aliases that explode": ALIASES,
    "deep nesting": b"[" * 200_000,
    "a tab": b"stages:\n\t- a\n",
    "line ends": b"\xef\xbb\xbfstages: [\r",
    "not UTF-8": b"stages: \xff\xfe",
    "a NUL": b"stages: \0",
}


NO_TEXTS: dict[str, Callable[[Path], object]] = {
    "a directory": Path.mkdir,
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to("trap"),
    "not there": lambda path: None,
    "huge": lambda path: (path.touch(), os.truncate(path, GIGABYTE)),
}


TRAPS = [*TEXTS, *NO_TEXTS]
SOME_PLACES = [[list(PLACES)[(number + 3 * step) % len(PLACES)] for step in range(2)] for number in range(len(TRAPS))]
"""Two for each trap, as all of all would take minutes."""


def run(place: str) -> tuple[str, int, str]:
    """`taximeter run` in a process of its own; one that waits for a pipe would wait for ever."""
    command = [sys.executable, "-m", "taximeter", "run", *PLACES[place], "--dump-plan"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return place, done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("trap", "places"), list(zip(TRAPS, SOME_PLACES, strict=True)))
def test_a_trap_is_one_page_and_exit_code_2(
    trap: str, places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("r.yaml", "stages: [{id: a, run: x}]\n")
    write("module.yaml", "stages: [{module: m}]\n")
    write("schema.yaml", "- {module_id: m, command: x, output_schema: trap}\n")
    if trap in TEXTS:
        Path("trap").write_bytes(TEXTS[trap])
    else:
        NO_TEXTS[trap](Path("trap"))
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, places))
    for place, code, told in ended:
        assert (code, "Traceback" in told, bool(told)) == (2, False, True), (place, told)
