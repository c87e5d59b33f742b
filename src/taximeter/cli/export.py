"""`taximeter export`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from taximeter.cli import options
from taximeter.cli.extra import extra
from taximeter.export.chrome import ChromeTrace
from taximeter.export.csv import CsvCalls
from taximeter.export.focus import FocusTable
from taximeter.export.otlp import PROFILES, FileOut, OtlpSpans, ReceiverOut
from taximeter.ledger.replay import Listener, replay
from taximeter.numbers import plural
from taximeter.pricing.builtin import built_in
from taximeter.pricing.sheet import read_sheet
from taximeter.report.runs import find_run
from taximeter.rundir import OutputDir, RunDir

_STANDARD_OUTPUT = Path("-")


@click.command("export")
@options.run
@click.option(
    "--to", "form", type=click.Choice(["chrome-trace", "csv", "parquet", "focus", "otlp"]), required=True, help="What."
)
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it there, not to stdout.")
@click.option("--endpoint", metavar="URL", help="Send OTLP there [default: as OTEL_EXPORTER_OTLP_* say].")
@click.option("--profile", type=click.Choice([*PROFILES]), default="plain", help="Whose names OTLP has for the cost.")
@options.output_dir
def command(
    run: str, form: str, output: Path | None, endpoint: str | None, profile: str, output_dir: Path | None
) -> None:
    """Hand a run to other tools.

    chrome-trace opens in Perfetto; csv and parquet (with -o) have a row for each call; focus is a FOCUS 1.2 table of
    costs, by hour, stage, model and unit; otlp is sent to a receiver of OpenTelemetry, or written as protobuf with -o.
    """
    found = find_run(run, OutputDir(output_dir or Path("output")))
    if form == "otlp":
        _otlp(found, output, endpoint, profile)
        return
    if form == "parquet":
        _parquet(found, output)
        return
    with _open(output) as binary:
        file = io.TextIOWrapper(binary, "utf-8", newline="", write_through=True)
        _TABLES[form](found, file)
        file.flush()
        file.detach()
    if output is not None and output != _STANDARD_OUTPUT:
        click.echo(options.shown(output.resolve()))


def _chrome(run: RunDir, file: io.TextIOWrapper) -> None:
    trace = ChromeTrace(run.run_id)
    _replay(run, trace)
    trace.write(file)


def _csv(run: RunDir, file: io.TextIOWrapper) -> None:
    _replay(run, CsvCalls(file))


def _focus(run: RunDir, file: io.TextIOWrapper) -> None:
    table = FocusTable(run.run_id)
    _replay(run, table)
    table.write(file)
    if table.left_out:
        click.echo(f"{plural(table.left_out, 'call')} without a price left out: nobody knows their charge.", err=True)


_TABLES: dict[str, Callable[[RunDir, io.TextIOWrapper], None]] = {"chrome-trace": _chrome, "csv": _csv, "focus": _focus}


def _otlp(run: RunDir, output: Path | None, endpoint: str | None, profile: str) -> None:
    if output is None:
        spans = OtlpSpans(ReceiverOut(endpoint), profile)
        _replay(run, spans)
        spans.finish()
        click.echo(f"{plural(spans.count, 'span')} sent")
        return
    with _open(output) as file:
        spans = OtlpSpans(FileOut(file), profile)
        _replay(run, spans)
        spans.finish()
    click.echo(f"{plural(spans.count, 'span')} written", err=True)


def _parquet(run: RunDir, output: Path | None) -> None:
    if output is None:
        raise click.UsageError("Parquet is no text: name a file with -o")
    with extra("query", "to write Parquet"):
        from taximeter.query.compact import write_calls
    write_calls(run, output)
    click.echo(options.shown(output.resolve()))


def _replay(run: RunDir, listener: Listener) -> None:
    replay(run, read_sheet(run.pricing) if run.pricing.exists() else built_in(), listener)


@contextmanager
def _open(output: Path | None) -> Iterator[BinaryIO]:
    if output is None or output == _STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with output.open("wb") as file:
        yield file
