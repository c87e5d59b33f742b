"""`taximeter validate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from pydantic import ValidationError

from taximeter.cli import options
from taximeter.cli.schemas import AUTHORED, SCHEMAS
from taximeter.errors import Problem, SetupError
from taximeter.journal.reader import UNREADABLE
from taximeter.numbers import plural, to_json
from taximeter.report.schemas import SCHEMA_MAP
from taximeter.yamldoc import load
from taximeter.yamldoc.document import key_text
from taximeter.yamldoc.explain import explain

_MOST_PROBLEMS = 50
_YAML = (".yaml", ".yml")


@click.command("validate")
@click.option(
    "--schema", type=click.Choice(list(SCHEMAS)), help="Name of the schema [default: what each record says it is]."
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.as_json
def command(schema: str | None, file: Path, as_json: bool) -> None:
    """Check a file against a schema: JSON, JSON lines, or the YAML of a recipe, a module or a price sheet.

    Prints every problem with its place, and ends with exit code 2 if there is one.
    """
    if schema is None and file.suffix in _YAML:
        hint = f"name what it is with --schema: {', '.join(AUTHORED)}"
        raise SetupError(Problem("a YAML file does not say what it is", hint, path=str(file)))
    count, problems = _authored(schema, file) if schema in AUTHORED else _records(schema, file)
    if as_json:
        found = {"valid": not problems, "records": count, "problems": msgspec.to_builtins(problems)}
        click.echo(to_json({"schema_version": "validate_v1", "file": str(file), **found}))
        sys.exit(2 if problems else 0)
    if problems:
        raise SetupError(*problems)
    click.echo(f"{file}: {plural(count, 'record')}, all fit")


def _authored(schema: str, file: Path) -> tuple[int, list[Problem]]:
    document = load(file)
    try:
        AUTHORED[schema].model_validate(document.data)
    except ValidationError as error:
        return 1, explain(error, AUTHORED[schema], document)
    return 1, []


def _records(schema: str | None, file: Path) -> tuple[int, list[Problem]]:
    count = 0
    problems: list[Problem] = []
    for line, text in _texts(file):
        count += 1
        problems += (msgspec.structs.replace(p, path=str(file), line=line) for p in _faults(schema, text))
        if len(problems) >= _MOST_PROBLEMS:
            break
    if not count:
        problems.append(Problem("there is no record in this file", path=str(file)))
    return count, problems


def _texts(file: Path) -> Iterator[tuple[int, bytes]]:
    """Line and text of each record: the whole file if it is one value, else its lines."""
    if file.suffix != ".jsonl":
        whole = file.read_bytes()
        if _is_one_value(whole):
            yield 1, whole
            return
    with file.open("rb") as lines:
        yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _is_one_value(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except UNREADABLE:
        return False
    return True


def _faults(schema: str | None, text: bytes) -> list[Problem]:
    try:
        name = schema or _claimed(text)
    except UNREADABLE as error:
        return [Problem(f"this is not JSON: {error}")]
    if name not in SCHEMA_MAP:
        hint = f"name one with --schema; known: {', '.join(SCHEMAS)}"
        return [Problem(f"its schema_version is {name}", hint)]
    try:
        SCHEMA_MAP[name].model_validate_json(text)
    except ValidationError as error:
        details = error.errors(include_url=False)
        return [Problem(detail["msg"], key=key_text(detail["loc"]) or None) for detail in details]
    return []


def _claimed(text: bytes) -> str:
    """What a record says it is."""
    record = msgspec.json.decode(text)
    return str(record.get("schema_version", "missing")) if isinstance(record, dict) else "missing"
