"""A signal handler that records, before every single bytecode of ours while a span is recorded: each is told, once."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

import taximeter
from taximeter.journal import writer
from tests.bytecodes import before_bytecode
from tests.recorder.events import calls, read_all, spans

OURS = str(Path(taximeter.__file__).parent)


def record(name: str) -> None:
    with taximeter.span(name, payload="x" * 100):
        taximeter.log_llm_usage("big", 10, 1)


def work_with_a_span(number: int) -> None:
    record(f"{number}")


def work_with_a_stage(number: int) -> None:
    with taximeter.record_stage(f"{number}"):
        pass


def work_with_a_beat(number: int) -> None:
    taximeter.get_recorder().beat_at = 0
    with taximeter.span(f"{number}"):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("work", [work_with_a_span, work_with_a_stage, work_with_a_beat])
def test_a_handler_that_records(
    tmp_path: Path, card: Path, work: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WINDOW", 2 * 4096)  # it moves on every few lines
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl", rate_card_path=card)
    record("first")
    for number in count():
        acted = before_bytecode(OURS, number, lambda: work(number), lambda: record(f"h{number}"))  # noqa: B023
        if not acted:
            break
    taximeter.disable()
    found = read_all(tmp_path)
    assert spans(found).keys() == {"first", *(f"{n}" for n in range(number + 1)), *(f"h{n}" for n in range(number))}
    assert len({event.event_id for event in found}) == len(found)
    assert len(calls(found)) == 1 + number + (number + 1) * (work is work_with_a_span)
    assert number > 300
