"""What is metered: the recipe says it, a file overrides the recipe, and flags override the file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.lookup import look_up, names_beside
from taximeter.recipe.model import InstrumentationBlock
from taximeter.recipe.plan import Instrumentation
from taximeter.yamldoc import Document, KeyPath, load, show
from taximeter.yamldoc.explain import read_block
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
        if name is None:
            return None
        beside = (Path(self.document.name).parent,) if self.document else ()
        found = look_up(name, *beside, cwd)
        if found is not None:
            return str(found)
        message = f"there is no price sheet {show(name)}"
        if self.document:
            hint = "it is looked up beside this file, then in the working directory"
            problems.append(self.document.problem(message, (*self.at, "price_table"), hint))
        else:
            problems.append(Problem(message, did_you_mean(name, names_beside(name, cwd)), key="--price-table"))
        return None


def merge_instrumentation(
    recipe: InstrumentationBlock,
    file: InstrumentationBlock | None = None,
    flags: InstrumentationBlock | None = None,
) -> Instrumentation:
    """Flags win over the file, and the file over the recipe; each only in the keys that it sets."""
    merged: dict[str, object] = {}
    for block in (recipe, file, flags):
        if block is not None:
            merged |= block.model_dump(exclude_unset=True)
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
    block = read_block(InstrumentationBlock, document, at, problems)
    return Layer(block, document, at) if block else None


def settle(
    recipe: Layer, file: Layer | None, flags: Layer | None, cwd: Path, problems: list[Problem]
) -> Instrumentation:
    """The merged block, with the price sheet looked up where it is named."""
    merged = merge_instrumentation(recipe.block, file.block if file else None, flags.block if flags else None)
    authors = [layer for layer in (recipe, file, flags) if layer and "price_table" in layer.block.model_fields_set]
    path = authors[-1].look_up_price_table(cwd, problems) if authors else None
    return msgspec.structs.replace(merged, price_table=path)
