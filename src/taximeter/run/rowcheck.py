"""Stamps and checks the rows of one artifact: `python -P -m taximeter.run.rowcheck JSON`, a process of its own.

The driver has other things to do than to read a gigabyte, and a class that a module names is foreign code.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from taximeter.errors import SetupError
from taximeter.journal.reader import UNREADABLE
from taximeter.recipe.plan import RowSchema
from taximeter.redact import visible, without_secrets
from taximeter.run.original import Rows
from taximeter.run.rowrules import Rules, rules_of
from taximeter.run.stamp import Stamps
from taximeter.rundir import replace

MAX_ROW = 256 << 20
"""A longer row is not read: a stage fails rather than that the machine runs out of memory."""

MOST_SHOWN = 20
_MOST_OF_ONE_ROW = 3


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be checked."""

    artifact: str
    """Path of a file: each line is a row if its name ends with `.jsonl`, else the whole file is one."""

    schema: RowSchema
    stamps: dict[str, str]
    """What each row gets that does not say it itself, as far as the schema allows it."""

    verdict: str
    """Path of the file that the verdict is written to."""

    name: str
    """What messages call the artifact."""


class BadRow(msgspec.Struct, frozen=True):
    """A row that does not fit."""

    line: int
    """From 1."""

    reasons: list[str]


class Verdict(msgspec.Struct, tag="check_v1", tag_field="schema_version"):
    """What the check found."""

    rows: int = 0
    bad: int = 0
    first: list[BadRow] = []
    """The first bad rows."""

    error: str | None = None
    """Why not everything could be checked."""

    def lines(self, name: str) -> list[str]:
        """What is wrong with which lines of the file of that name."""
        told = [f"{name}:{row.line}: {'; '.join(row.reasons)}" for row in self.first]
        if self.bad > len(told):
            told.append(f"{name}: {self.bad - len(told)} more rows do not fit")
        return [*told, *([f"{name}: {self.error}"] if self.error else [])]


def check(task: Check) -> Verdict:
    """Stamps the rows if all of them fit; else the artifact stays as it was, and the verdict says why."""
    verdict = Verdict()
    artifact = Path(task.artifact)
    beside = artifact.with_name(f"{artifact.name}.tmp")
    rules = rules_of(task.schema)
    allowed = rules.allowed
    stamps = Stamps({name: value for name, value in task.stamps.items() if allowed is None or name in allowed})
    before = Rows(stamps.values)
    try:
        with artifact.open("rb") as rows, beside.open("wb") as file:
            for line, text in _texts(rows, artifact.suffix == ".jsonl"):
                before.add(text)
                file.write(_checked(line, text, rules, stamps, verdict))
            if artifact.suffix != ".jsonl" and not verdict.rows:
                verdict.bad, verdict.first = 1, [BadRow(1, ["there is nothing in it"])]
            file.flush()
            os.fsync(file.fileno())
        if not verdict.bad:
            beside.chmod(stat.S_IMODE(artifact.stat().st_mode))
            before.keep(artifact, beside)
            beside.rename(artifact)
    finally:
        beside.unlink(missing_ok=True)
    return verdict


def _texts(file: BinaryIO, by_line: bool) -> Iterator[tuple[int, bytes]]:
    """The rows with the numbers of their lines; blank lines, too. ValueError at a row that is too long."""
    lines = iter(lambda: file.readline(MAX_ROW + 1) if by_line else file.read(MAX_ROW + 1), b"")
    for number, text in enumerate(lines, 1):
        if len(text) > MAX_ROW:
            raise ValueError(f"line {number}: a row of more than {MAX_ROW >> 20} MiB cannot be checked")
        yield number, text


def _checked(line: int, text: bytes, rules: Rules, stamps: Stamps, verdict: Verdict) -> bytes:
    """The row as it is to stand in the artifact; if it does not fit, the verdict is told."""
    if not text.strip():
        return text
    verdict.rows += 1
    try:
        row = msgspec.json.decode(text)
    except UnicodeDecodeError:
        reasons = ["this is not UTF-8"]
    except UNREADABLE as error:
        reasons = [f"this is not JSON: {error}"]
    else:
        if isinstance(row, dict):
            text, row = stamps.put(text, row)
        reasons = list(islice(rules.faults(text, row), _MOST_OF_ONE_ROW))
    if reasons:
        verdict.bad += 1
        if verdict.bad <= MOST_SHOWN:
            verdict.first.append(BadRow(line, [visible(without_secrets(reason)) for reason in reasons]))
    return text


def main(text: str) -> None:
    """Checks what the JSON of a `Check` says, and ends with exit code 1 if a row does not fit."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # tidies up
    task = msgspec.json.decode(text, type=Check)
    try:
        verdict = check(task)
    except (SetupError, ValueError, OSError) as error:
        verdict = Verdict(error=visible(without_secrets(str(error))))
    replace(Path(task.verdict), msgspec.json.encode(verdict))
    for line in verdict.lines(task.name):
        print(f"taximeter: {line}")  # noqa: T201 (this is a program; its output goes to the log of the stage)
    sys.exit(1 if verdict.bad or verdict.error else 0)


if __name__ == "__main__":
    main(sys.argv[1])
