"""Every file format of ours by its name."""

from __future__ import annotations

from pydantic import BaseModel

from taximeter.pricing.schema import PriceSheetBlock
from taximeter.recipe.model import RecipeBlock
from taximeter.recipe.module import ModuleBlock
from taximeter.report.schemas import SCHEMA_MAP
from taximeter.run.config import RunConfigBlock
from taximeter.yamldoc.block import Block
from taximeter.yamldoc.modelled import model_of

AUTHORED: dict[str, type[Block]] = {
    "recipe": model_of(RecipeBlock),
    "module": model_of(ModuleBlock),
    "run_config": model_of(RunConfigBlock),
    "price_sheet": PriceSheetBlock,
}
"""Files that people write, in YAML."""

SCHEMAS: dict[str, type[BaseModel]] = {**SCHEMA_MAP, **AUTHORED}
