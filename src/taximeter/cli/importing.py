"""`taximeter import`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from taximeter.cli import options
from taximeter.cli.prices import price_table
from taximeter.clock import iso
from taximeter.errors import RunDirError
from taximeter.events import Event
from taximeter.ingest.claude_code import Logs
from taximeter.ingest.imported import Imported, import_run
from taximeter.ingest.jsonl import Lines
from taximeter.ingest.otlp import events as otlp_events
from taximeter.ingest.otlp import read_otlp
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, ReportFiles
from taximeter.numbers import plural, to_json
from taximeter.pricing.builtin import sheet_in
from taximeter.redact import visible
from taximeter.report import html, json, markdown
from taximeter.report.attached import attached
from taximeter.report.build import build
from taximeter.report.runs import run_totals
from taximeter.report.wording import cost
from taximeter.rundir import OutputDir, RunDir, check_run_id, new_run_id, replace, safe_name

_file = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_run_id = click.option("--run-id", help="Name of the run [default: the file's name, the time and six random digits].")


@click.group("import")
def command() -> None:
    """Make runs of what others recorded, so that they stand in the same list."""


@command.command("otlp")
@_file
@_run_id
@price_table
@options.output_dir
@options.as_json
def otlp(file: Path, run_id: str | None, price_table: Path | None, output_dir: Path | None, as_json: bool) -> None:
    """Make a run of spans of OpenTelemetry: protobuf or JSON, as a collector's file exporter writes it.

    Spans with GenAI attributes become calls; the usage of agents and workflows is that of the calls below them.
    """
    run = _run(output_dir, run_id, file.stem)
    _tell([_import(run, price_table, otlp_events(read_otlp(file.read_bytes())), "otlp", {})], as_json)


@command.command("jsonl")
@_file
@_run_id
@price_table
@options.output_dir
@options.as_json
def jsonl(file: Path, run_id: str | None, price_table: Path | None, output_dir: Path | None, as_json: bool) -> None:
    """Make a run of lines of JSON: events of a recorder, or calls as programs write them to a sink."""
    lines, run = Lines(file), _run(output_dir, run_id, file.stem)
    _tell([_import(run, price_table, lines.events(), "jsonl", {})], as_json)
    _warn(lines.unreadable)


@command.command("claude-code")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only calls from that day on, in local time.")
@click.option("--from", "folder", type=click.Path(path_type=Path, file_okay=False), help="Where the logs are.")
@price_table
@options.output_dir
@options.as_json
def claude_code(
    since: datetime | None, folder: Path | None, price_table: Path | None, output_dir: Path | None, as_json: bool
) -> None:
    """Make a run of each session that Claude Code logged [default: ~/.claude/projects].

    A message that was logged several times counts once. To import again brings what is new.
    """
    folder = folder or Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude") / "projects"
    if not folder.is_dir():
        raise RunDirError(f"there are no logs in {folder}: name their folder with --from")
    logs = Logs(folder)
    found = logs.sessions(0.0 if since is None else since.astimezone().timestamp())
    if not found:
        raise RunDirError(f"there is nothing to import: no calls were found in {folder}")
    output = OutputDir((output_dir or Path("output")).absolute())
    _tell(
        [
            _import(
                output.run(safe_name(f"claude-code-{session.id}")),
                price_table,
                session.calls,
                "claude-code",
                {"source": "claude-code", "project": session.project},
            )
            for session in found
        ],
        as_json,
    )
    _warn(logs.unreadable)


def _run(output_dir: Path | None, run_id: str | None, name: str) -> RunDir:
    chosen = new_run_id(name, datetime.now(UTC)) if run_id is None else check_run_id(run_id)
    return OutputDir((output_dir or Path("output")).absolute()).run(chosen)


def _import(
    run: RunDir, price_table: Path | None, events: Iterable[Event], source: str, tags: dict[str, str]
) -> Imported:
    """The run, its reports, and its line in the manifest."""
    imported = import_run(run, sheet_in(price_table), events, source)
    report = build(run)
    files = {
        run.report_json: json.render(report),
        run.report_md: markdown.render(report),
        run.report_html: html.render(report, attached(run, report.stages)),
    }
    for path, text in files.items():
        replace(path, text.encode())
    begin, end = iso(imported.started_at), iso(imported.ended_at)
    line = ManifestLine(
        run.run_id,
        f"{source} {tags['project']}" if "project" in tags else source,
        created_at=begin,
        started_at=begin,
        ended_at=end,
        status="done",
        totals=run_totals(report),
        tags=tags or None,
        instrumentation=ReportFiles(*(path.relative_to(run.output).as_posix() for path in files)),
    )
    manifest.append(OutputDir(run.output), line)
    return imported


def _tell(imported: list[Imported], as_json: bool) -> None:
    reports = [(one, build(one.run)) for one in imported]
    if as_json:
        runs = [
            {"run_id": one.run.run_id, "calls": one.calls, "cost": r.totals.cost, "cost_status": r.totals.cost_status}
            for one, r in reports
        ]
        click.echo(to_json({"schema_version": "imported_v1", "runs": runs}))
        return
    for one, report in reports:
        money = cost(report.totals, report.pricing.currency)
        click.echo(f"{visible(one.run.run_id)}: {plural(one.calls, 'call')}, {money}")


def _warn(unreadable: int) -> None:
    if unreadable:
        click.echo(f"{plural(unreadable, 'line')} left out that could not be read.", err=True)
