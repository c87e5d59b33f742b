"""How GitHub Actions is told: commands on standard error, and Markdown in the file that `GITHUB_STEP_SUMMARY` names.

Their syntax: docs.github.com, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from taximeter.redact import visible
from taximeter.report.gate import Verdict, columns
from taximeter.report.table import Table, table

SUMMARY = "GITHUB_STEP_SUMMARY"
_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}


def annotate(verdict: Verdict, run_id: str, currency: str) -> None:
    """An annotation for each failed check and each warning, and a summary of the step if there is a place for it."""
    cells = table(columns(currency), verdict.checks)
    for check, (_, title, value, limit, why) in zip(verdict.checks, cells.rows, strict=True):
        if not check.passed:
            text = f"{title} is {value}, at most {limit} ({why})"
            click.echo(f"::error title=taximeter {_escaped(run_id)}::{_escaped(text)}", err=True)
    for warning in verdict.warnings:
        click.echo(f"::warning title=taximeter {_escaped(run_id)}::{_escaped(warning)}", err=True)
    if path := os.environ.get(SUMMARY):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(_summary(verdict, run_id, cells))


def _summary(verdict: Verdict, run_id: str, cells: Table) -> str:
    lines = [
        f"### taximeter: {_cell(run_id)} {'passes' if verdict.passed else 'fails'}",
        "",
        "| | figure | is | at most | because |",
        "|---|---|--:|--:|---|",
        *("| " + " | ".join(map(_cell, row)) + " |" for row in cells.rows),
        "",
        *(f"- {_cell(warning)}" for warning in verdict.warnings),
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in text)


def _cell(text: str) -> str:
    """Text that Markdown does not interpret."""
    return "".join(f"&#{ord(char)};" if char in "|<>&*_`[]\\#!~" else char for char in visible(text))
