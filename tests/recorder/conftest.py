from collections.abc import Iterator
from pathlib import Path

import pytest

import taximeter
from taximeter.recorder.recorder import Recorder

CARD = """
currency: USD
models:
  big: {prompt_per_1k: 0.003, completion_per_1k: 0.015}
  embed: {prompt_per_1k: 0.0001, completion_per_1k: 0}
"""


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(CARD)
    return path


@pytest.fixture(autouse=True)
def off() -> Iterator[None]:
    yield
    taximeter.attach(None)
    taximeter.disable()


@pytest.fixture
def recorder(card: Path) -> Recorder:
    """The recorder of this process, with a memory sink."""
    return taximeter.enable(sink="memory:", rate_card_path=card)
