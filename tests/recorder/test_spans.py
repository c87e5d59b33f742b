"""Spans time every kind of function, hang where they were opened, and change nothing for those they watch."""

import asyncio
import functools
import inspect
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import taximeter
from taximeter.recorder.recorder import Recorder
from tests.recorder.events import events, of_recorder, spans


def test_a_stage_and_its_spans(recorder: Recorder) -> None:
    with taximeter.record_stage("ingest"), taximeter.span("embed", batch=3) as s:
        s.set(rows=7)
    found = of_recorder(recorder)
    stage, span = found["ingest"], found["embed"]
    assert (stage.kind, stage.stage, stage.stage_id) == ("stage", "ingest", "ingest")
    assert (stage.parent_id, stage.parent_span) == (None, None)
    assert (span.kind, span.stage_id, span.parent_id, span.parent_span) == ("span", "ingest", stage.span_id, "ingest")
    assert span.trace_id == stage.trace_id
    assert span.meta == {"batch": 3, "rows": 7}
    assert (span.status, span.ok, span.error) == ("done", True, None)
    assert stage.cpu_method == "thread"
    assert stage.cpu_ms is not None
    assert span.cpu_ms is None
    assert stage.started_at <= span.started_at
    assert span.ended_at is not None
    assert span.ended_at - span.started_at == pytest.approx(span.wall_ms / 1000, abs=1e-5)


def test_a_stage_is_written_when_it_begins_and_a_span_is_not(recorder: Recorder) -> None:
    with taximeter.record_stage("ingest"), taximeter.span("embed"):
        assert spans(events(recorder), closed=False).keys() == {"ingest"}
    begun, ended = (e for e in events(recorder) if getattr(e, "span", "") == "ingest")
    assert (begun.status, begun.ended_at, ended.status) == ("running", None, "done")
    assert (begun.span_id, begun.started_at) == (ended.span_id, ended.started_at)
    assert begun.seq < ended.seq


def test_a_stage_inside_a_stage_is_a_span_of_it(recorder: Recorder) -> None:
    with taximeter.record_stage("outer"), taximeter.record_stage("inner"):
        pass
    inner = of_recorder(recorder)["inner"]
    assert (inner.kind, inner.stage, inner.stage_id) == ("span", "inner", "outer")


class Service:
    @taximeter.span("method")
    def method(self, x: int) -> int:
        return x

    @classmethod
    @taximeter.span("class")
    def of_class(cls, x: int) -> int:
        return x

    @taximeter.span("static")
    @staticmethod
    def of_nobody(x: int) -> int:
        return x

    @taximeter.span("called")
    def __call__(self, x: int) -> int:
        return x


@taximeter.span("plain", kind="p")
def plain(x: int) -> int:
    """Says x."""
    return x


@taximeter.span("coroutine")
async def coroutine(x: int) -> int:
    await asyncio.sleep(0)
    return x


@taximeter.span("generator")
def generator(x: int) -> Iterator[int]:
    got = yield x
    return got


@taximeter.span("async generator")
async def async_generator(x: int) -> AsyncIterator[int]:
    try:
        got = yield x
        yield got
    except ValueError:
        yield -1


def test_functions_of_every_kind_stay_what_they_are(recorder: Recorder) -> None:
    assert inspect.isgeneratorfunction(generator)
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isasyncgenfunction(async_generator)
    assert (plain.__name__, plain.__doc__, str(inspect.signature(plain))) == ("plain", "Says x.", "(x: int) -> int")
    service = Service()
    results = [
        plain(1),
        service.method(2),
        Service.of_class(3),
        Service.of_nobody(4),
        service(5),
        asyncio.run(coroutine(6)),
    ]
    assert results == [1, 2, 3, 4, 5, 6]
    assert taximeter.span("partial")(functools.partial(plain, 7))() == 7
    assert of_recorder(recorder).keys() == {"plain", "method", "class", "static", "called", "coroutine", "partial"}


def test_a_generator_is_sent_to_thrown_at_and_returns(recorder: Recorder) -> None:
    it = generator(1)
    assert next(it) == 1
    with pytest.raises(StopIteration) as stop:
        it.send(5)
    assert stop.value.value == 5
    left = generator(1)
    next(left)
    left.close()
    cancelled, done = sorted(
        (e for e in events(recorder) if getattr(e, "span", "") == "generator"), key=lambda e: e.status
    )
    assert (done.status, cancelled.status) == ("done", "cancelled")
    assert "GeneratorExit" in cancelled.error


def test_an_async_generator_is_sent_to_and_thrown_at(recorder: Recorder) -> None:
    async def go() -> None:
        it = async_generator(1)
        assert await anext(it) == 1
        assert await it.asend(5) == 5
        it = async_generator(1)
        await anext(it)
        assert await it.athrow(ValueError()) == -1
        with pytest.raises(StopAsyncIteration):
            await anext(it)

    asyncio.run(go())
    assert of_recorder(recorder)["async generator"].status in ("done", "cancelled")


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), asyncio.CancelledError(), SystemExit(3)])
@pytest.mark.parametrize("kind", ["with", "plain", "coroutine", "generator", "async generator"])
def test_exceptions_pass_through_unchanged(recorder: Recorder, error: BaseException, kind: str) -> None:
    def fail() -> None:
        raise error

    def with_() -> None:
        with taximeter.span("s"):
            fail()

    @taximeter.span("s")
    def as_plain() -> None:
        fail()

    @taximeter.span("s")
    async def as_coroutine() -> None:
        fail()

    @taximeter.span("s")
    def as_generator() -> Iterator[None]:
        fail()
        yield

    @taximeter.span("s")
    async def as_async_generator() -> AsyncIterator[None]:
        fail()
        yield

    def drive(awaitable: Any) -> None:
        awaitable.send(None)

    act = {
        "with": with_,
        "plain": as_plain,
        "coroutine": lambda: drive(as_coroutine()),
        "generator": lambda: next(as_generator()),
        "async generator": lambda: drive(anext(as_async_generator())),
    }[kind]
    with pytest.raises(type(error)) as caught:
        act()
    assert caught.value is error
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)][-1] == "fail"
    assert error.__context__ is None
    span = of_recorder(recorder)["s"]
    assert span.status == ("failed" if isinstance(error, ValueError) else "cancelled")
    assert span.ok is False
    assert span.error.startswith(type(error).__name__)


def test_an_exception_that_cannot_be_printed_does_no_harm(recorder: Recorder) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(Mute), taximeter.span("s"):
        raise Mute
    assert of_recorder(recorder)["s"].error == "Mute"


def test_a_span_in_a_generator_does_not_leak_into_its_caller(recorder: Recorder) -> None:
    def inside() -> Iterator[int]:
        with taximeter.span("a"):
            with taximeter.span("in a"):
                yield 1
            yield 2
            with taximeter.span("later in a"):
                pass

    def other() -> Iterator[int]:
        with taximeter.span("b"), taximeter.tags(of="b"):
            yield 1
            with taximeter.span("in b"):
                pass

    with taximeter.span("caller"):
        first, second = inside(), other()
        next(first)
        with taximeter.span("between"):
            pass
        next(second)
        next(first)
        with taximeter.span("between again"):
            pass
        list(first)
        list(second)
    found = of_recorder(recorder)
    parents = {name: span.parent_span for name, span in found.items()}
    assert parents == {
        "caller": None,
        "a": "caller",
        "in a": "a",
        "later in a": "a",
        "b": "caller",
        "in b": "b",
        "between": "caller",
        "between again": "caller",
    }
    assert found["in b"].tags == {"of": "b"}
    assert found["between again"].tags is None
    with taximeter.span("after"):
        pass
    assert of_recorder(recorder)["after"].parent_id is None


def test_decorated_generators_that_interleave_keep_their_spans_apart(recorder: Recorder) -> None:
    @taximeter.span("g")
    def g(name: str) -> Iterator[str]:
        for i in range(3):
            with taximeter.span(f"{name}{i}"):
                yield name

    for _ in zip(g("a"), g("b"), strict=False):
        with taximeter.span("consumer"):
            pass
    found = of_recorder(recorder)
    assert {found[name].parent_span for name in ("a0", "a1", "a2", "b0", "b1", "b2")} == {"g"}
    assert found["a2"].parent_id != found["b2"].parent_id
    assert found["consumer"].parent_id is None


def test_a_thousand_tasks_each_have_their_own_stack(recorder: Recorder) -> None:
    async def work(n: int) -> None:
        with taximeter.span(f"task {n}"):
            await asyncio.sleep(0)
            with taximeter.span(f"inner {n}"):
                await asyncio.sleep(0)
                await asyncio.to_thread(in_thread, n) if n % 100 == 0 else None

    def in_thread(n: int) -> None:
        with taximeter.span(f"thread {n}"):
            pass

    @taximeter.record_stage("all")
    async def go() -> None:
        await asyncio.gather(*(work(n) for n in range(1_000)))

    asyncio.run(go())
    found = of_recorder(recorder)
    assert all(found[f"task {n}"].parent_id == found["all"].span_id for n in range(1_000))
    assert all(found[f"inner {n}"].parent_id == found[f"task {n}"].span_id for n in range(1_000))
    assert all(found[f"thread {n}"].parent_id == found[f"inner {n}"].span_id for n in range(0, 1_000, 100))
    assert found["all"].cpu_ms is None


def test_pools_take_the_context_along_if_they_are_told_to(recorder: Recorder) -> None:
    def work(n: int) -> int:
        with taximeter.span(f"w{n}"):
            return n

    async def in_executor() -> None:
        await asyncio.get_running_loop().run_in_executor(None, taximeter.carry(work), 99)

    with ThreadPoolExecutor(4) as pool, taximeter.record_stage("s"), taximeter.session("me"):
        assert list(pool.map(taximeter.carry(work), range(20))) == list(range(20))
        assert pool.submit(work, 50).result() == 50
        asyncio.run(in_executor())
    found = of_recorder(recorder)
    assert {found[f"w{n}"].parent_span for n in (*range(20), 99)} == {"s"}
    assert {found[f"w{n}"].session_id for n in range(20)} == {"me"}
    assert found["w50"].parent_span is None


def test_session_and_tags_are_carried_into_children(recorder: Recorder) -> None:
    with taximeter.session("user-42"), taximeter.tags(team="x"), taximeter.span("a"):
        with taximeter.tags(team="y", env="t"), taximeter.span("b"):
            taximeter.log_llm_usage("big", 1, 1)
        with taximeter.span("c"):
            pass
    found = of_recorder(recorder)
    assert {span.session_id for span in found.values()} == {"user-42"}
    assert [found[name].tags for name in "abc"] == [{"team": "x"}, {"team": "y", "env": "t"}, {"team": "x"}]
    (call,) = (e for e in recorder.get_all_events() if e["schema_version"] == "call_v1")
    assert (call["session_id"], call["tags"]) == ("user-42", {"team": "y", "env": "t"})
    assert found["b"].parent_span == "a"


def test_threads_begin_traces_of_their_own(recorder: Recorder) -> None:
    def work() -> None:
        with taximeter.span(threading.current_thread().name):
            pass

    threads = [threading.Thread(target=work, name=f"t{n}") for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({span.trace_id for span in of_recorder(recorder).values()}) == 8


def test_what_was_decorated_while_off_records_later() -> None:
    assert not taximeter.is_enabled()
    assert plain(1) == 1
    with taximeter.span("nothing") as s:
        s.set(a=1)
    recorder = taximeter.enable(sink="memory:")
    assert plain(2) == 2
    assert of_recorder(recorder).keys() == {"plain"}
    taximeter.disable()
    assert plain(3) == 3
    assert taximeter.get_recorder().get_all_events() == []


def test_cpu_of_spans_is_read_on_request(card: Any) -> None:
    recorder = taximeter.enable(sink="memory:", rate_card_path=card, span_cpu=True)

    async def go() -> None:
        with taximeter.span("async"):
            pass

    with taximeter.span("s"):
        pass
    asyncio.run(go())
    found = of_recorder(recorder)
    assert found["s"].cpu_method == "thread"
    assert found["async"].cpu_ms is None


def test_sampling_leaves_whole_traces_of_spans_out_and_no_stage_and_no_call(card: Any) -> None:
    recorder = taximeter.enable(sink="memory:", rate_card_path=card, sample=0.0)
    with taximeter.record_stage("s"), taximeter.span("left out"):
        taximeter.log_llm_usage("big", 1, 1)
    assert of_recorder(recorder).keys() == {"s"}
    assert [e["stage_id"] for e in recorder.get_all_events() if e["schema_version"] == "call_v1"] == ["s"]
    taximeter.enable(sample=0.5)
    for _ in range(400):
        with taximeter.span("half"), taximeter.span("inner"):
            pass
    traces = [e["trace_id"] for e in recorder.get_all_events() if e["span_id"] and e.get("span") in ("half", "inner")]
    assert 250 < len(traces) < 550
    assert all(traces.count(trace) == 2 for trace in set(traces))
