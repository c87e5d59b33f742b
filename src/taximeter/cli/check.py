"""`taximeter check`."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import click
import msgspec

from taximeter.cli import github, options
from taximeter.cli.quantity import duration, money, share, size
from taximeter.numbers import to_json
from taximeter.redact import visible
from taximeter.report.gate import Check, Verdict, check, columns, unpriced
from taximeter.report.grid import grid
from taximeter.report.side import open_side
from taximeter.report.table import table
from taximeter.rundir import OutputDir

GATE_FAILED = 5


@click.command("check")
@options.run
@click.option("--max-cost", type=money, help="The most it may cost, in the currency of its sheet.")
@click.option("--max-wall", type=duration, help="The longest it may take: 90, 1.5s, 30m, 1h 30m.")
@click.option("--max-memory", type=size, help="The most memory a stage may take: 512MiB, 2GiB.")
@click.option("--baseline", "baselines", multiple=True, metavar="RUN|FILE", help="What it must not be worse than.")
@click.option("--tolerance", type=share, default="10%", show_default=True, help="How much worse is no matter.")
@click.option("--on-unpriced", type=click.Choice(["warn", "fail"]), default="warn", show_default=True)
@click.option("--github", "for_github", is_flag=True, help="Write a step summary and annotations for GitHub Actions.")
@options.output_dir
@options.as_json
def command(
    *,
    run: str,
    max_cost: Decimal | None,
    max_wall: float | None,
    max_memory: int | None,
    baselines: tuple[str, ...],
    tolerance: float,
    on_unpriced: str,
    for_github: bool,
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Check what RUN took and cost: exit code 5 if it is more than it may be.

    With three or more --baseline the noise of each figure is estimated from them (median absolute deviation), and
    only what is beyond it and beyond the tolerance fails. Calls without a price or a usage are a warning.
    """
    limits = {"cost": max_cost, "wall_seconds": max_wall, "peak_memory_bytes": max_memory}
    if not baselines and all(limit is None for limit in limits.values()) and on_unpriced == "warn":
        raise click.UsageError(
            "nothing to check: give --max-cost, --max-wall, --max-memory, --baseline or --on-unpriced fail"
        )
    place = OutputDir(output_dir or Path("output"))
    report = open_side(run, place).report
    verdict = check(report, limits, [open_side(name, place).report for name in baselines], tolerance)
    if on_unpriced == "fail":
        verdict = _with_doubts(verdict, unpriced(report))
    currency = report.pricing.currency
    if for_github:
        github.annotate(verdict, report.run_id, currency)
    if as_json:
        plain = msgspec.to_builtins(verdict, builtin_types=(Decimal,))
        click.echo(to_json({"schema_version": "check_v1", "run_id": report.run_id, "passed": verdict.passed, **plain}))
    else:
        console = options.console()
        console.print(grid(table(columns(currency), verdict.checks), console.width))
        for warning in verdict.warnings:
            console.print(f"• {visible(warning)}", markup=False, soft_wrap=True)
    sys.exit(0 if verdict.passed else GATE_FAILED)


def _with_doubts(verdict: Verdict, doubts: list[str]) -> Verdict:
    """The verdict in which a cost that is not complete has failed."""
    failed = tuple(Check("unpriced", False, doubt.rstrip("."), "none") for doubt in doubts)
    warnings = tuple(warning for warning in verdict.warnings if warning not in doubts)
    return Verdict(verdict.checks + failed, warnings)
