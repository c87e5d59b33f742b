"""From an authored price sheet to the compiled one."""

from __future__ import annotations

from pathlib import Path

from taximeter.errors import Problem, SetupError
from taximeter.pricing.schema import CardBlock, PriceSheetBlock
from taximeter.pricing.sheet import RateCard, Sheet
from taximeter.yamldoc import Document, KeyPath, load
from taximeter.yamldoc.explain import read_block

BUILT_IN = Path(__file__).parent / "pricing.default.yaml"
"""Current prices of the main OpenAI, Anthropic and Google models, each with its source and date."""


def load_sheet(path: Path) -> Sheet:
    """The price sheet in a file; SetupError with everything that is wrong with it."""
    document = load(path)
    problems: list[Problem] = []
    block = read_block(PriceSheetBlock, document, (), problems)
    if block is not None:
        problems += _foreign_currencies(block, document)
    if block is None or problems:
        raise SetupError(*problems)
    return Sheet(
        currency=block.currency,
        updated_at=block.updated_at,
        models={name: _compiled(card) for name, card in block.models.items()},
        default=None if block.default is None else _compiled(block.default),
    )


def _foreign_currencies(block: PriceSheetBlock, document: Document) -> list[Problem]:
    cards: dict[KeyPath, CardBlock | None] = {("models", name): card for name, card in block.models.items()}
    return [
        document.problem(
            f"this rate is in {card.currency}, the sheet in {block.currency}",
            (*at, "currency"),
            "a run has one currency: convert the rate, or keep a sheet for each currency",
        )
        for at, card in {**cards, ("default",): block.default}.items()
        if card is not None and card.currency not in (None, block.currency)
    ]


def _compiled(card: CardBlock) -> RateCard:
    return RateCard(
        card.prompt_per_1k, card.completion_per_1k, card.cache_read_per_1k, card.cache_write_per_1k, card.free
    )
