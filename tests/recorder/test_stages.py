"""A stage names what happens in it, whatever kind of function it is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import taximeter
from taximeter.recorder.recorder import Recorder
from tests.recorder.events import calls, events, of_recorder


def tell() -> None:
    taximeter.log_llm_usage("big", 10, 1)


@taximeter.record_stage("s")
def plain() -> None:
    tell()


@taximeter.record_stage("s")
async def coroutine() -> None:
    await asyncio.sleep(0)
    tell()


@taximeter.record_stage("s")
def generator() -> Iterator[int]:
    yield 1
    tell()


@taximeter.record_stage("s")
async def async_generator() -> AsyncIterator[int]:
    yield 1
    tell()


def in_a_block() -> None:
    with taximeter.record_stage("s"):
        tell()


async def consume() -> None:
    async for _ in async_generator():
        pass


WAYS: dict[str, Callable[[], Any]] = {
    "function": plain,
    "coroutine": lambda: asyncio.run(coroutine()),
    "generator": lambda: list(generator()),
    "async generator": lambda: asyncio.run(consume()),
    "block": in_a_block,
}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_function_can_be_a_stage(recorder: Recorder, way: str) -> None:
    for _ in range(2):
        WAYS[way]()
    stage = of_recorder(recorder)["s"]
    assert (stage.kind, stage.stage_id, stage.status) == ("stage", "s", "done")
    assert stage.tokens == {"input_tokens": 10, "output_tokens": 1}
    assert [call.stage_id for call in calls(events(recorder))] == ["s", "s"]
    assert (stage.cpu_ms is not None) == (way in ("function", "block")), "a clock of the thread means nothing elsewhere"
    assert len([e for e in recorder.get_all_events() if e.get("kind") == "stage"]) == 4
    assert not recorder.process.stages
