from collections.abc import Iterator
from pathlib import Path

import pytest

import taximeter
from taximeter.capture import retrieved
from taximeter.recorder.claims import BY_HAND, BY_SPANS
from taximeter.recorder.recorder import Recorder
from tests.capture.server import Server

CARD = """
currency: USD
models:
  "*": {prompt_per_1k: 1, completion_per_1k: 10}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def fresh(server: Server) -> Iterator[None]:
    yield
    server.forget()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """The recorder of this process, with a memory sink, and the hooks in the SDKs."""
    card = tmp_path / "prices.yaml"
    card.write_text(CARD)
    taximeter.instrument()
    yield taximeter.enable(sink="memory:", rate_card_path=card)
    taximeter.disable()
    BY_HAND.clear()
    BY_SPANS.clear()
    retrieved._counted.clear()
