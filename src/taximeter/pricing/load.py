"""From a file to a compiled price sheet, with what it extends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from taximeter.errors import Problem, in_order
from taximeter.pricing import genai
from taximeter.pricing.compile import default_card, entry, layer, named_card
from taximeter.pricing.lint import lint, lint_compiled
from taximeter.pricing.schema import PriceSheetBlock
from taximeter.pricing.sheet import NO_SHEET, Exchange, Sheet
from taximeter.yamldoc import Document, KeyPath, load
from taximeter.yamldoc.document import show
from taximeter.yamldoc.explain import read_block

GENAI_PRICES = "genai-prices"


def load_sheet(path: Path, world: Callable[[], bytes | None] = genai.compiled) -> Sheet:
    """The price sheet in a file; SetupError with everything that is wrong with it.

    `world` gives the compiled prices of genai-prices to a sheet that extends them, or None where there are none.
    """
    return _load(path, world, ())


def _load(path: Path, world: Callable[[], bytes | None], below: tuple[Path, ...]) -> Sheet:
    document = load(path)
    problems: list[Problem] = []
    block = read_block(PriceSheetBlock, document, (), problems)
    if block is not None:
        problems += lint(block, document)
    if block is None or problems:
        raise in_order(problems)
    if isinstance(block.models, dict):
        entries = tuple(named_card(name, card) for name, card in block.models.items())
        places: list[KeyPath] = [("models", name) for name in block.models]
    else:
        entries = tuple(map(entry, block.models))
        places = [("models", index) for index in range(len(block.models))]
    problems += lint_compiled(entries, places, document)
    base = _extended(block.extends, document, world, (*below, path.resolve()), problems)
    if base is not None and _currency(base) not in (block.currency, *block.fx):
        message = f"{show(block.extends or '')} is in {_currency(base)}, this sheet in {block.currency}"
        hint = f"add `fx: {{{_currency(base)}: {{rate: ..., date: ...}}}}`: what one {_currency(base)} is worth"
        problems.append(document.problem(message, ("extends",), hint))
    if problems:
        raise in_order(problems)
    return Sheet(
        name="sheet" if not below else path.name,
        currency=block.currency,
        updated_at=block.updated_at,
        on_unknown=block.on_unknown,
        fx={name: Exchange(exchange.rate, exchange.date) for name, exchange in block.fx.items()},
        entries=entries,
        layers=tuple(map(layer, block.layers)),
        default=None if block.default is None else default_card(block.default),
        extends=NO_SHEET if base is None else msgspec.Raw(base),
    )


def _extended(
    name: str | None,
    document: Document,
    world: Callable[[], bytes | None],
    files: tuple[Path, ...],
    problems: list[Problem],
) -> bytes | None:
    """The compiled sheet that a sheet extends; None if there is none."""
    if name is None:
        return None
    if name == GENAI_PRICES:
        return world()
    path = Path(document.name).parent / name
    if path.resolve() in files:
        message = f"{show(name)} extends this sheet in turn"
        problems.append(document.problem(message, ("extends",), "leave one of the two `extends` out"))
        return None
    if not path.is_file():
        hint = f"name a file beside this one, or {GENAI_PRICES}"
        problems.append(document.problem(f"there is no sheet {show(name)}", ("extends",), hint))
        return None
    return _load(path, world, files).encoded


class _Head(msgspec.Struct):
    currency: str = "USD"


def _currency(encoded: bytes) -> str:
    return msgspec.json.decode(encoded, type=_Head).currency
