"""What is metered: the recipe says it, a file overrides the recipe, and flags override the file."""

from __future__ import annotations

from pathlib import Path

from taximeter.errors import Problem, SetupError
from taximeter.recipe.model import InstrumentationBlock
from taximeter.recipe.plan import Instrumentation
from taximeter.recipe.problems import read_block
from taximeter.yamldoc import Document, KeyPath, load
