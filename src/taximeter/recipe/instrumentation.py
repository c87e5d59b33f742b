"""What is metered: the recipe says it, files override the recipe, and flags override the files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.lookup import look_up, names_beside
from taximeter.recipe.model import InstrumentationBlock
from taximeter.recipe.plan import Instrumentation
from taximeter.yamldoc import Document, KeyPath, load, show
from taximeter.yamldoc.authored import read_authored
from taximeter.yamldoc.words import did_you_mean


class Layer(msgspec.Struct, frozen=True):
    """An instrumentation block and the file in which it stands."""

    block: InstrumentationBlock
    document: Document | None = None
    """None for flags."""

    at: KeyPath = ()

    def look_up_price_table(self, cwd: Path, problems: list[Problem]) -> str | None:
        """The price sheet that it names: beside its file, else in the working directory."""
        name = self.block.price_table
        if name is None or name is msgspec.UNSET:
            return None
        at = (*self.at, "price_table")
        beside = (Path(self.document.owner(at).name).parent,) if self.document else ()
        found = look_up(name, *beside, cwd)
        if found is not None:
            return str(found)
        message = f"there is no price sheet {show(name)}"
        if self.document:
            hint = "it is looked up beside this file, then in the working directory"
            problems.append(self.document.problem(message, at, hint))
        else:
            problems.append(Problem(message, did_you_mean(name, names_beside(name, cwd)), key="--price-table"))
        return None


def merge_instrumentation(*blocks: InstrumentationBlock) -> Instrumentation:
    """Each block wins over those before it, only in the keys that it sets."""
    merged: dict[str, object] = {}
    for block in blocks:
        merged |= {key: said for key, said in msgspec.structs.asdict(block).items() if said is not msgspec.UNSET}
    return msgspec.convert(merged, Instrumentation)


def read_layer(path: Path, problems: list[Problem]) -> Layer | None:
    """The block in a file, at the top or under `instrumentation`; None if it has problems, which are added."""
    try:
        document = load(path)
    except SetupError as error:
        problems.extend(error.problems)
        return None
    keys = {key for key in document.data if not key.startswith("x-")} if isinstance(document.data, dict) else set()
    at: KeyPath = ("instrumentation",) if keys == {"instrumentation"} else ()
    block = read_authored(InstrumentationBlock, document, at, problems)
    return Layer(block, document, at) if block else None


def settle(layers: Iterable[Layer | None], cwd: Path, problems: list[Problem]) -> Instrumentation:
    """The merged block, the last layer on top, with the price sheet looked up where it is named."""
    given = [layer for layer in layers if layer]
    merged = merge_instrumentation(*(layer.block for layer in given))
    authors = [layer for layer in given if layer.block.price_table is not msgspec.UNSET]
    path = authors[-1].look_up_price_table(cwd, problems) if authors else None
    return msgspec.structs.replace(merged, price_table=path)
