"""`taximeter usage`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import msgspec

from taximeter import numbers
from taximeter.cli import options
from taximeter.errors import Problem, SetupError
from taximeter.normalize.reading import Reading
from taximeter.normalize.recorded import Found, read_recorded
from taximeter.numbers import to_json
from taximeter.redact import brief, visible
from taximeter.report.grid import grid
from taximeter.report.table import Column, table
from taximeter.usage import NO_USAGE, OPEN_COUNTS, modality_tokens

_PLAIN = ("status", "provider", "operation", "model", "response_model", "response_id", "service_tier", "speed",
          "inference_geo", "processing", "provider_cost")  # fmt: skip
_NOTHING = ("", numbers.UNKNOWN)
_HINT = (
    "a file holds the body of a response of OpenAI (chat, Responses, embeddings), Anthropic, Gemini, Mistral, Cohere "
    "or LiteLLM:\nits JSON, one JSON a line, or a stream of server-sent events"
)


@click.command("usage")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--provider",
    metavar="NAME",
    help="Who answered, where the body does not say: openai, anthropic, google, mistral, cohere, litellm, ...",
)
@options.as_json
def command(file: str, provider: str | None, as_json: bool) -> None:
    """Show the usage that a recorded response body tells.

    FILE is JSON, JSON lines (the results of a batch, too) or a stream of server-sent events; `-` is the standard input.
    Input and output are inclusive: cached tokens, tools and reasoning are contained in them. What cannot be read is
    told with its line, and the exit code is 2.
    """
    name = "standard input" if file == "-" else file
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    found = read_recorded(data, provider)
    if as_json:
        click.echo(to_json({"schema_version": "usage_v1", "responses": [*_responses(found)]}))
    else:
        _print(found)
    problems = [Problem(one.error, _HINT, path=name, line=one.line) for one in found if one.error is not None]
    if not found:
        problems.append(Problem("there is no response in this file", _HINT, path=name))
    if problems:
        # What helps one helps them all.
        raise SetupError(*(msgspec.structs.replace(p, hint=None) for p in problems[:-1]), problems[-1])


def _print(found: Sequence[Found]) -> None:
    readings = [reading for one in found for reading in one.readings]
    if not readings:
        return
    console = options.console()
    columns = [c for c in _columns() if any(c.cell(reading) not in _NOTHING for reading in readings)]
    console.print(grid(table(columns, readings), console.width))
    for reading in readings:
        for reason in reading.inconsistent:
            click.echo(f"• {brief(_name(reading))} inconsistent, taken as given: {visible(reason)}")


def _columns() -> list[Column[Reading]]:
    column = Column[Reading]
    return [
        column("model", lambda r: brief(_name(r)), 100, right=False, narrowest=16),
        column("provider", lambda r: brief(r.provider or numbers.UNKNOWN), 60, right=False),
        column("status", lambda r: r.status, 50, right=False),
        column("tokens in", lambda r: numbers.count(r.usage.input_tokens), 99),
        column("cache read", lambda r: numbers.count(r.usage.cache_read_input_tokens), 80),
        column("written", lambda r: numbers.count(r.usage.cache_write_input_tokens), 79),
        column("tools", lambda r: numbers.count(r.usage.tool_use_input_tokens), 40),
        column("out", lambda r: numbers.count(r.usage.output_tokens), 98),
        column("reasoning", lambda r: numbers.count(r.usage.reasoning_output_tokens), 70),
        column("more", _more, 30, right=False, narrowest=12),
    ]


def _name(reading: Reading) -> str:
    return reading.model or reading.response_model or numbers.UNKNOWN


def _more(reading: Reading) -> str:
    """What few responses have: cache lifetimes, modalities, what is billed by the piece, the tier."""
    usage = reading.usage
    named = [
        *((f"cache {ttl}", tokens) for ttl, tokens in usage.cache_write_by_ttl),
        *modality_tokens(usage),
        *usage.counters,
    ]
    words = [reading.processing if reading.processing == "batch" else None, reading.service_tier, reading.speed]
    return ", ".join([*(f"{brief(name)} {numbers.count(n)}" for name, n in named), *(brief(w) for w in words if w)])


def _responses(found: Iterable[Found]) -> Iterable[dict[str, Any]]:
    for one in found:
        place = {} if one.line is None else {"line": one.line}
        if one.error is not None:
            yield {**place, "error": one.error}
        else:
            yield {**place, "readings": [_as_dict(reading) for reading in one.readings]}


def _as_dict(reading: Reading) -> dict[str, Any]:
    plain = {name: value for name in _PLAIN if (value := getattr(reading, name)) is not None}
    usage = msgspec.to_builtins(reading.usage, builtin_types=(Decimal,))
    usage.update((name, dict(counts)) for name in OPEN_COUNTS if (counts := getattr(reading.usage, name)))
    return {
        **plain,
        "usage_source": "missing" if reading.usage == NO_USAGE else "provider",
        "usage": usage,
        "inconsistent": reading.inconsistent,
        "usage_raw": reading.usage_raw,
    }
