"""Spans and labels are entered again, by others meanwhile, and in context managers that programs make of generators."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

import taximeter
from taximeter.recorder import context
from taximeter.recorder.recorder import Recorder
from taximeter.recorder.spans import Span
from tests.recorder.events import calls, events, of_recorder


def closed(recorder: Recorder, name: str) -> list[dict[str, Any]]:
    return [event for event in recorder.get_all_events() if event.get("span") == name and event["status"] != "running"]


def test_the_body_of_a_context_manager_is_inside_its_spans_and_labels(recorder: Recorder) -> None:
    @contextmanager
    def step(name: str) -> Iterator[Span]:
        with taximeter.tags(of=name), taximeter.span(name) as s:
            yield s

    with step("outer") as s, step("inner"):
        s.set(rows=3)
        taximeter.log_llm_usage("big", 5, 0)
    with taximeter.span("after"):
        pass
    found = of_recorder(recorder)
    assert found["inner"].parent_span == "outer"
    assert (found["outer"].tokens, found["outer"].meta) == ({"input_tokens": 5}, {"rows": 3})
    assert (found["after"].parent_span, found["after"].tags) == (None, None)
    (call,) = calls(events(recorder))
    assert (call.span_id, call.tags) == (found["inner"].span_id, {"of": "inner"})


def test_so_is_that_of_an_async_one(recorder: Recorder) -> None:
    @asynccontextmanager
    async def step(name: str) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        with taximeter.span(name):
            yield

    async def work(name: str) -> None:
        async with step(name):
            await asyncio.sleep(0)
            with taximeter.span(f"in {name}"):
                await asyncio.sleep(0)

    async def go() -> None:
        await asyncio.gather(*(work(name) for name in "abc"))

    asyncio.run(go())
    assert {of_recorder(recorder)[f"in {name}"].parent_span for name in "abc"} == {"a", "b", "c"}


def test_a_context_manager_that_fails_inside_leaves_nothing_open(recorder: Recorder) -> None:
    @contextmanager
    def step() -> Iterator[None]:
        with taximeter.span("step"):
            yield

    with pytest.raises(ZeroDivisionError), step():
        1 / 0  # noqa: B018
    assert of_recorder(recorder)["step"].status == "failed"
    assert context.live(context.current()) is None


@pytest.mark.parametrize("make", [taximeter.span, taximeter.record_stage])
def test_a_span_that_is_entered_in_itself_is_a_span_in_itself(recorder: Recorder, make: Any) -> None:
    again = make("again")
    with again:
        with taximeter.span("between"), again:
            taximeter.log_llm_usage("big", 5, 0)
        with taximeter.span("beside"):
            pass
    inner, outer = closed(recorder, "again")
    assert (inner["parent_span"], outer["parent_span"]) == ("between", None)
    assert inner["tokens"] == outer["tokens"] == {"input_tokens": 5}
    assert of_recorder(recorder)["beside"].parent_id == outer["span_id"]
    with again:
        pass
    assert len({event["span_id"] for event in closed(recorder, "again")}) == 3
    assert context.current() is None
    assert not recorder.process.stages


def test_threads_that_share_a_span_each_have_their_own(recorder: Recorder) -> None:
    shared, both = taximeter.span("shared"), threading.Barrier(2, timeout=30)
    left = threading.Event()

    def work(name: str, leaves_first: bool) -> None:
        with taximeter.span(name):
            with shared:
                both.wait()
                assert leaves_first or left.wait(30)
            left.set()
            with taximeter.span(f"after {name}"):
                pass

    threads = [threading.Thread(target=work, args=(name, name == "a")) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {event["parent_span"] for event in closed(recorder, "shared")} == {"a", "b"}
    found = of_recorder(recorder)
    assert [found[f"after {name}"].parent_span for name in "ab"] == ["a", "b"]


def test_what_is_left_out_of_turn_or_by_another_thread_is_left(recorder: Recorder) -> None:
    outer, inner, elsewhere = (taximeter.span(name) for name in ("outer", "inner", "elsewhere"))
    for span in (outer, inner):
        span.__enter__()
    for span in (outer, inner, inner):
        span.__exit__(None, None, None)
    with taximeter.span("after"):
        pass
    elsewhere.__enter__()
    thread = threading.Thread(target=elsewhere.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    taximeter.span("never entered").__exit__(None, None, None)
    with taximeter.span("last"):
        pass
    found = of_recorder(recorder)
    assert {name: span.parent_span for name, span in found.items()} == {
        "outer": None,
        "inner": "outer",
        "after": None,
        "elsewhere": None,
        "last": None,
    }
    assert len(closed(recorder, "inner")) == 1


def test_labels_that_are_entered_again_hold_until_they_are_left_as_often(recorder: Recorder) -> None:
    team = taximeter.tags(team="x")
    with team:
        with team, taximeter.tags(env="t"):
            taximeter.log_llm_usage("big", 1, 0)
        taximeter.log_llm_usage("big", 2, 0)
    taximeter.log_llm_usage("big", 3, 0)
    assert [call.tags for call in calls(events(recorder))] == [{"team": "x", "env": "t"}, {"team": "x"}, None]


def test_tasks_that_share_labels_each_have_their_own(recorder: Recorder) -> None:
    user = taximeter.session("u")

    async def work(n: int) -> None:
        with user:
            await asyncio.sleep(0.01 * n)
            taximeter.log_llm_usage("big", n, 0)

    async def go() -> None:
        await asyncio.gather(*map(work, range(3)))

    asyncio.run(go())
    assert [call.session_id for call in calls(events(recorder))] == ["u"] * 3


@pytest.mark.parametrize("make", [taximeter.span, taximeter.record_stage])
def test_a_decorator_without_a_name_is_told_at_once(make: Any) -> None:
    with pytest.raises(TypeError, match="has a name"):

        @make
        def f() -> None: ...


def test_what_is_no_function_cannot_be_decorated() -> None:
    with pytest.raises(TypeError, match="a property cannot be recorded"):
        taximeter.span("s")(property(lambda self: 1))  # type: ignore[type-var]


class Unkind:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.mark.parametrize("name", [None, 42, 10**5000, b"x", Unkind(), "\ud800"], ids=range(6))
def test_whatever_names_and_labels_are_nothing_is_raised(tmp_path: Any, name: Any) -> None:
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    with taximeter.session(name), taximeter.tags(label=name), taximeter.span(name) as s:
        s.set(self=name, name=name)
        taximeter.log_llm_usage("big", 1, 1, tags={"more": name})
    assert taximeter.run_report().report.losses.rejected == 0
    assert taximeter.run_report().report.totals.calls == 1
