"""The price sheet that is used when none is given."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

from taximeter.pricing import cache
from taximeter.pricing.sheet import Sheet, decode_sheet

BUILT_IN = Path(__file__).parent / "pricing.default.yaml"
"""Current prices of the main OpenAI, Anthropic and Google models, each with its source and date."""


def built_in() -> Sheet:
    """The sheet in `BUILT_IN` with what it extends, compiled once for each of its versions."""
    name = f"built-in-{hashlib.sha256(BUILT_IN.read_bytes()).hexdigest()[:16]}-{_version_of_genai_prices()}"
    known = cache.read(name)
    if known is not None:
        return decode_sheet(known)
    from taximeter.pricing.load import load_sheet  # the models of an authored sheet take longer to build than a run

    encoded = load_sheet(BUILT_IN).encoded
    cache.keep(name, encoded)
    return decode_sheet(encoded)  # what is read the next time, rates in the same order


def _version_of_genai_prices() -> str:
    """As its folder of metadata is called; how packages are asked for it takes longer to load than a small run."""
    spec = find_spec("genai_prices")
    folder = Path(spec.origin).parent.parent if spec and spec.origin else Path()
    found = [name for name in os.listdir(folder) if name.startswith("genai_prices-") and name.endswith(".dist-info")]  # noqa: PTH208
    if len(found) == 1:
        return found[0].removeprefix("genai_prices-").removesuffix(".dist-info")
    from importlib.metadata import version

    return version("genai-prices")


def sheet_in(path: Path | None) -> Sheet:
    """The sheet in a file, or the built-in one; SetupError with everything that is wrong with it."""
    if path is None:
        return built_in()
    from taximeter.pricing.load import load_sheet

    return load_sheet(path)
