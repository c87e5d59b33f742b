"""`taximeter export`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from taximeter.cli import options
from taximeter.cli.extra import extra
from taximeter.export.chrome import ChromeTrace
from taximeter.export.csv import CsvCalls
from taximeter.export.focus import FocusTable
from taximeter.export.otlp import PROFILES, FileOut, OtlpSpans, ReceiverOut
from taximeter.ledger.replay import Listener, replay
from taximeter.numbers import plural, to_json
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
@options.as_json
def command(
    run: str,
    form: str,
    output: Path | None,
    endpoint: str | None,
    profile: str,
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Hand a run to other tools.

    chrome-trace opens in Perfetto; csv and parquet (with -o) have a row for each call; focus is a FOCUS 1.2 table of
    costs, by hour, stage, model and unit; otlp is sent to a receiver of OpenTelemetry, or written as protobuf with -o.
    --json tells what was written or sent.
    """
    into_file = output is not None and output != _STANDARD_OUTPUT
    if not into_file and form == "parquet":
        raise click.UsageError("Parquet is no text: name a file with -o")
    if not into_file and as_json and form != "otlp":
        raise click.UsageError("what is exported and what --json tells would be mixed: name a file with -o")
    found = find_run(run, OutputDir(output_dir or Path("output")))
    told = _otlp(found, output, endpoint, profile) if form == "otlp" else _table(form, found, output)
    path = options.shown(output.resolve()) if output is not None and into_file else None
    if as_json:
        facts = {"run_id": found.run_id, "format": form, "path": path, "spans": told.spans, "left_out": told.left_out}
        click.echo(to_json({"schema_version": "exported_v1", **facts}))
        return
    if path is not None:
        click.echo(path)
    if told.spans is not None:
        click.echo(f"{plural(told.spans, 'span')} {'sent' if output is None else 'written'}", err=True)
    if told.left_out:
        click.echo(f"{plural(told.left_out, 'call')} without a price left out: nobody knows their charge.", err=True)


class _Told(msgspec.Struct, frozen=True):
    """What there is to say of an export."""

    spans: int | None = None
    left_out: int | None = None
    """Calls without a price, which have no place in it."""


def _table(form: str, run: RunDir, output: Path | None) -> _Told:
    if form == "parquet":
        assert output is not None
        with extra("query", "to write Parquet"):
            from taximeter.query.compact import write_calls
        write_calls(run, output)
        return _Told()
    with _open(output) as binary:
        file = io.TextIOWrapper(binary, "utf-8", newline="", write_through=True)
        told = _TABLES[form](run, file)
        file.flush()
        file.detach()
    return told


def _chrome(run: RunDir, file: io.TextIOWrapper) -> _Told:
    trace = ChromeTrace(run.run_id)
    _replay(run, trace)
    trace.write(file)
    return _Told()


def _csv(run: RunDir, file: io.TextIOWrapper) -> _Told:
    _replay(run, CsvCalls(file))
    return _Told()


def _focus(run: RunDir, file: io.TextIOWrapper) -> _Told:
    table = FocusTable(run.run_id)
    _replay(run, table)
    table.write(file)
    return _Told(left_out=table.left_out)


_TABLES: dict[str, Callable[[RunDir, io.TextIOWrapper], _Told]] = {
    "chrome-trace": _chrome,
    "csv": _csv,
    "focus": _focus,
}


def _otlp(run: RunDir, output: Path | None, endpoint: str | None, profile: str) -> _Told:
    if output is None:
        return _spans(run, OtlpSpans(ReceiverOut(endpoint), profile))
    with _open(output) as file:
        return _spans(run, OtlpSpans(FileOut(file), profile))


def _spans(run: RunDir, spans: OtlpSpans) -> _Told:
    _replay(run, spans)
    spans.finish()
    return _Told(spans=spans.count)


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
