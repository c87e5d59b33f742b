"""`taximeter report`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from taximeter.cli import options
from taximeter.report import html, json, markdown
from taximeter.report.attached import attached
from taximeter.report.baseline import against
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.report.runs import find_run
from taximeter.report.side import open_side
from taximeter.rundir import OutputDir, replace

_RENDERERS: dict[str, Callable[[RunInstrumentation], str]] = {"md": markdown.render, "json": json.render}
_FORMS = ("html", *_RENDERERS)


@click.command("report")
@options.run
@click.option("--format", "form", type=click.Choice(_FORMS), default="html", show_default=True, help="Which.")
@click.option("--baseline", metavar="RUN|FILE", help="Show each headline figure with its difference from that run.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
@click.option("--open", "opened", is_flag=True, help="Write it, and open it in the browser.")
@options.output_dir
@options.as_json
def command(
    *,
    run: str,
    form: str,
    baseline: str | None,
    output: Path | None,
    opened: bool,
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Make the report of a run anew, from what its directory tells now.

    RUN is a run id, `latest` (the default), `latest~1` for the one before, or the path of a run directory. HTML goes
    to `instrumentation.html` in the run directory, and the path is printed; Markdown and JSON are printed.
    """
    place = OutputDir(output_dir or Path("output"))
    directory = find_run(run, place)
    report = build(directory)
    if baseline is not None:
        report = against(report, open_side(baseline, place).report)
    form = "json" if as_json else form
    if output is None and (form == "html" or opened):
        output = directory.path / f"instrumentation.{form}"
    if form == "html":
        assert output is not None
        way = os.path.relpath(directory.path, output.parent)
        text = html.render(report, attached(directory, report.stages, way))
    else:
        text = _RENDERERS[form](report)
    if output is None:
        click.echo(text, nl=False)
        return
    replace(output, text.encode())
    click.echo(options.shown(output.resolve()))
    if opened:
        click.launch(output.resolve().as_uri())
