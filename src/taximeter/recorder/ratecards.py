"""Rate cards, the older name of price sheets, for code that prices tokens itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from taximeter.events import CallEvent
from taximeter.pricing.cost import EXACT
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Sheet
from taximeter.usage import Usage

_NOTHING = Decimal(0)
_NAMES = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


def load_rate_card(path: str | os.PathLike[str]) -> Sheet:
    """The price sheet in a file; SetupError, naming the file and the line, with everything that is wrong with it."""
    from taximeter.pricing.load import load_sheet  # pydantic and YAML, which a measured process is spared

    return load_sheet(Path(path))


def built_in_sheet() -> Sheet:
    """The prices that come with taximeter."""
    from taximeter.pricing.builtin import built_in

    return built_in()


def compute_cost(
    *,
    llm_tokens: Mapping[str, int] | None = None,
    embed_tokens: Mapping[str, int] | int | None = None,
    llm_model: str | None = None,
    embed_model: str | None = None,
    card: Sheet,
) -> dict[str, Decimal]:
    """Money for tokens by a price sheet, as `{"llm": ..., "embedding": ..., "total": ...}`.

    Tokens are counts by their names in `Usage` (`input_tokens`, `output_tokens` and their subsets; `prompt_tokens` and
    `completion_tokens` are understood); for embeddings one number will do. KeyError for a model without a price.
    """
    embed = {"input_tokens": embed_tokens} if isinstance(embed_tokens, int) else embed_tokens
    llm_cost = cost_of(llm_tokens, llm_model, "llm", card)
    embed_cost = cost_of(embed, embed_model, "embedding", card)
    return {"llm": llm_cost, "embedding": embed_cost, "total": EXACT.add(llm_cost, embed_cost)}


def cost_of(tokens: Mapping[str, int] | None, model: str | None, kind: str, card: Sheet) -> Decimal:
    """Money for the tokens of one model; nothing for none. KeyError for a model without a price."""
    if not tokens or not any(tokens.values()):
        return _NOTHING
    usage = msgspec.convert({_NAMES.get(name, name): count for name, count in tokens.items()}, Usage)
    call = CallEvent(
        event_id=("", 0), model=model or "", kind="embedding" if kind == "embedding" else "llm", usage=usage
    )
    amount = price(call, card).amount
    if amount is None:
        raise KeyError(f"the price sheet has no price for the model {model!r}")
    return amount
