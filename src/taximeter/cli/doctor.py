"""`taximeter doctor`."""

from __future__ import annotations

import os
import platform
import re
import shutil
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

import taximeter
from taximeter import settings
from taximeter.cli import options
from taximeter.journal.writer import file_system
from taximeter.numbers import plural, size, to_json
from taximeter.pricing.builtin import built_in
from taximeter.redact import visible
from taximeter.report.health import Health, health
from taximeter.run.methods import try_methods
from taximeter.rundir import OutputDir

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_OURS = re.compile(r"taximeter\[(.+)\]")
_SILENT = (settings.HTTP_TOKEN.name, settings.HTTP_URL.name)


@click.command("doctor")
@options.output_dir
@options.as_json
def command(output_dir: Path | None, as_json: bool) -> None:
    """Show what is installed, where runs are, how each figure is measured here, and what the latest runs lack.

    Figures are tried on a program that does nothing; nothing is changed.
    """
    output = OutputDir(output_dir or Path(settings.OUTPUT_DIR.read() or "output"))
    found = {
        "schema_version": "doctor_v1",
        "taximeter": taximeter.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "extras": _extras(),
        "prices": _prices(),
        "runs": _place(output),
        "environment": {
            variable.name: "(set)" if variable.name in _SILENT else visible(value)
            for variable in settings.TABLE
            if (value := os.environ.get(variable.name)) and variable.name.startswith("TAXIMETER_")
        },
        "methods": try_methods(),
        "health": msgspec.to_builtins(health(output)),
    }
    if as_json:
        click.echo(to_json(found))
    else:
        _show(found, options.console())


def _extras() -> dict[str, dict[str, str | None]]:
    """Packages of each extra, with the version that is installed."""
    found: dict[str, dict[str, str | None]] = {}
    for requirement in metadata.requires("taximeter") or ():
        needed, _, condition = requirement.partition(";")
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", condition)
        if extra and extra[1] not in ("dev", "dev-pip", "demo-pip") and not _OURS.match(needed):
            match = _NAME.match(needed)
            found.setdefault(extra[1], {})[match[0] if match else needed] = _version(match[0] if match else needed)
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _prices() -> dict[str, Any]:
    sheet = built_in()
    updated = sheet.updated_at
    age = (date.today() - date.fromisoformat(updated[:10])).days if updated else None
    return {
        "updated_at": updated,
        "age_days": age,
        "entries": sum(len(level.entries) for level in sheet.chain()),
        "sheet_id": sheet.sheet_id,
    }


def _place(output: OutputDir) -> dict[str, Any]:
    there = next(folder for folder in (output.path.absolute(), *output.path.absolute().parents) if folder.exists())
    return {
        "folder": str(output.path.absolute()),
        "exists": output.path.is_dir(),
        "file_system": file_system(there),
        "free_bytes": shutil.disk_usage(there).free,
    }


def _show(found: dict[str, Any], console: Console) -> None:
    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    place, prices = found["runs"], found["prices"]
    say(f"taximeter {found['taximeter']}, Python {found['python']}, {found['platform']}")
    say("\nExtras")
    for extra, packages in found["extras"].items():
        missing = [name for name, version in packages.items() if version is None]
        told = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
        say(f"  {extra:<11} " + (f"not installed: pip install 'taximeter[{extra}]'" if missing else told))
    say(f"\nPrices: built-in of {prices['updated_at']} ({prices['age_days']} days old), {prices['entries']:,} entries")
    say(f"Runs: {visible(place['folder'])}{'' if place['exists'] else ' (not there yet)'}")
    say(f"  {place['file_system'] or 'an unknown file system'}, {size(place['free_bytes'])} free")
    if found["environment"]:
        say("Environment: " + ", ".join(f"{name}={value}" for name, value in found["environment"].items()))
    say("\nHow figures are found here")
    for figure, method in found["methods"].items():
        say(f"  {figure:<20} {method}")
    if not found["methods"]:
        say("  no supervisor could be started: only wall time is known")
    _show_health(msgspec.convert(found["health"], Health), say)


def _show_health(found: Health, say: Any) -> None:
    say(f"\n{plural(found.runs, 'run')}, the latest {found.looked_at} looked at")
    if found.gone:
        say(f"  {plural(found.gone, 'run')} without a directory any more")
    for model, runs in found.unpriced.items():
        say(f"  without a price: {visible(model)} in {plural(runs, 'run')}; give it one, then `taximeter reprice`")
    for run_id, notes in found.incomplete.items():
        say(f"  {visible(run_id)}: {' '.join(map(visible, notes))}")
    for run_id in found.unclosed:
        say(f"  {visible(run_id)}: files of dead processes; `taximeter repair {visible(run_id)}` closes them")
