"""Tokens belong to the spans that were open where they were used."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

import taximeter
from taximeter.errors import SetupError
from taximeter.recorder import guard
from taximeter.recorder.attribution import TokenTracker, diff, snapshot_service, token_source
from taximeter.recorder.buckets import TokenBucket
from taximeter.recorder.recorder import Recorder
from taximeter.totals import Totals
from taximeter.usage import Usage
from tests.recorder.events import calls, events, of_recorder


class Service:
    def __init__(self) -> None:
        self.counts = {"llm": {"big": {"input_tokens": 100, "output_tokens": 0}}, "embedding": {}}

    def token_counters(self):
        return self.counts

    def use(self, tokens: int) -> None:
        self.counts["llm"]["big"]["input_tokens"] += tokens


def test_calls_count_for_the_spans_around_them(recorder: Recorder) -> None:
    with taximeter.record_stage("s"):
        with taximeter.span("a"):
            taximeter.log_llm_usage("big", 1000, 100)
            taximeter.log_embedding_usage("embed", 500)
        with taximeter.span("b"):
            taximeter.record_usage(Usage(10, 1), "big", kind="llm")
        with taximeter.span("c"):
            pass
    found = of_recorder(recorder)
    assert found["a"].tokens == {"input_tokens": 1500, "output_tokens": 100, "embedding_tokens": 500}
    assert found["a"].cost_usd == {
        "llm": Decimal("0.0045"),
        "embedding": Decimal("0.00005"),
        "total": Decimal("0.00455"),
    }
    assert (found["a"].llm_model, found["a"].embed_model, found["a"].token_source) == ("big", "embed", "calls")
    assert found["b"].tokens == {"input_tokens": 10, "output_tokens": 1}
    assert found["s"].tokens == {"input_tokens": 1510, "output_tokens": 101, "embedding_tokens": 500}
    assert (found["c"].tokens, found["c"].token_source) == (None, None)
    assert [call.span_id for call in calls(events(recorder))] == [found[name].span_id for name in "aab"]
    assert {call.stage_id for call in calls(events(recorder))} == {"s"}


def test_a_hundred_tasks_that_share_a_client_each_have_their_own_tokens(recorder: Recorder) -> None:
    tracker = TokenTracker()
    taximeter.attach(tracker)

    async def work(n: int) -> None:
        with taximeter.span(f"t{n}"):
            await asyncio.sleep(0)
            tracker.record_llm("big", n + 1, 0)
            await asyncio.to_thread(tracker.record_embedding, "embed", 1000)

    @taximeter.record_stage("all")
    async def go() -> None:
        await asyncio.gather(*(work(n) for n in range(100)))

    asyncio.run(go())
    found = of_recorder(recorder)
    assert all(found[f"t{n}"].tokens["input_tokens"] == n + 1001 for n in range(100))
    assert found["all"].tokens == {"input_tokens": 5050 + 100_000, "embedding_tokens": 100_000}
    assert found["all"].token_source == "tracker"
    assert tracker.token_counters()["llm"]["big"] == {"input_tokens": 5050}
    assert len(calls(events(recorder))) == 200


def test_a_service_is_read_once_when_the_outermost_span_closes(recorder: Recorder) -> None:
    service = Service()
    assert taximeter.attach(service) is recorder
    assert recorder.service is service
    with taximeter.record_stage("s"), taximeter.span("inner"):
        service.use(1000)
    with taximeter.record_stage("quiet"):
        pass
    (call,) = calls(events(recorder))
    found = of_recorder(recorder)
    assert (call.usage.input_tokens, call.usage_source, call.span_id) == (1000, "tracker", found["s"].span_id)
    assert (found["s"].tokens, found["s"].token_source) == ({"input_tokens": 1000}, "tracker")
    assert found["inner"].tokens is None


def test_what_grew_while_outermost_spans_overlapped_goes_to_the_run(recorder: Recorder) -> None:
    service = Service()
    taximeter.attach(service)
    with ThreadPoolExecutor(1) as pool, taximeter.span("one"):

        def other() -> None:
            with taximeter.span("other"):
                service.use(7)

        pool.submit(other).result()
        service.use(5)
    with taximeter.span("alone"):
        service.use(3)
    shared = [(call.usage.input_tokens, call.stage_id, call.meta) for call in calls(events(recorder))]
    assert shared == [(7, None, {"attribution": "shared"}), (5, None, {"attribution": "shared"}), (3, None, None)]
    assert of_recorder(recorder)["alone"].tokens == {"input_tokens": 3}


def test_a_service_that_begins_again_or_fails_does_no_harm(recorder: Recorder) -> None:
    service = Service()
    taximeter.attach(service)
    service.counts["llm"]["big"]["input_tokens"] = 4
    with taximeter.span("s"):
        pass
    assert of_recorder(recorder)["s"].tokens == {"input_tokens": 4}
    service.counts = None
    with taximeter.span("t"):
        pass
    assert of_recorder(recorder)["t"].status == "done"


def test_tokens_between_two_handles(recorder: Recorder) -> None:
    before = recorder.snapshot_tokens()
    taximeter.log_llm_usage("big", 1000, 100)
    taximeter.log_embedding_usage("embed", 1000)
    after = recorder.snapshot_tokens()
    taximeter.log_llm_usage("big", 9999, 9999)
    tokens, cost, source = recorder.finalize_tokens(after, before)
    assert tokens == {"input_tokens": 2000, "output_tokens": 100, "embedding_tokens": 1000}
    assert cost == {"llm": Decimal("0.0045"), "embedding": Decimal("0.0001"), "total": Decimal("0.0046")}
    assert source == "calls"


def test_handles_of_a_service(recorder: Recorder) -> None:
    service = Service()
    taximeter.attach(service)
    before = recorder.snapshot_tokens()
    service.use(1000)
    after = recorder.snapshot_tokens()
    tokens, cost, source = recorder.finalize_tokens(after, before)
    assert (tokens, cost["total"], source) == ({"input_tokens": 1000}, Decimal("0.003"), "tracker")


def test_nothing_between_handles_is_missing(recorder: Recorder) -> None:
    nothing = ({}, {"llm": 0.0, "embedding": 0.0, "total": 0.0}, "missing")
    assert recorder.finalize_tokens({}, {}) == nothing
    assert recorder.finalize_tokens(recorder.snapshot_tokens(), recorder.snapshot_tokens()) == nothing


def test_a_model_without_a_price_is_a_key_error_for_those_who_call_and_never_for_a_span(recorder: Recorder) -> None:
    before = recorder.snapshot_tokens()
    with taximeter.span("s"):
        taximeter.log_llm_usage("who", 5, 5)
    with pytest.raises(KeyError, match="who"):
        recorder.finalize_tokens(recorder.snapshot_tokens(), before)
    span = of_recorder(recorder)["s"]
    assert (span.status, span.tokens, span.cost_usd) == ("done", {"input_tokens": 5, "output_tokens": 5}, None)


def test_rate_cards(card: Path) -> None:
    rates = taximeter.load_rate_card(card)
    cost = taximeter.compute_cost(
        llm_tokens={"prompt_tokens": 1000, "completion_tokens": 1000},
        embed_tokens=1000,
        llm_model="big",
        embed_model="embed",
        card=rates,
    )
    assert cost == {"llm": Decimal("0.018"), "embedding": Decimal("0.0001"), "total": Decimal("0.0181")}
    assert taximeter.compute_cost(card=rates)["total"] == 0
    with pytest.raises(KeyError, match="nobody"):
        taximeter.compute_cost(llm_tokens={"input_tokens": 1}, llm_model="nobody", card=rates)
    with pytest.raises(SetupError, match="nowhere"):
        taximeter.load_rate_card(card.with_name("nowhere.yaml"))


def test_differences_and_sources() -> None:
    service = Service()
    before = snapshot_service(service)
    service.use(5)
    after = snapshot_service(service)
    assert diff(after, before) == {"llm": {"big": {"input_tokens": 5}}}
    assert token_source(after, before) == "tracker"
    assert token_source(before, before) == "missing"


def test_a_thread_that_adds_models_while_the_span_closes_does_no_harm(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, settle = Totals.__add__, TokenBucket.settle

    def settled(bucket: TokenBucket) -> TokenBucket:
        settle(bucket)
        monkeypatch.setattr(Totals, "__add__", interrupted)
        return bucket

    def interrupted(one: Totals, other: Totals) -> Totals:
        monkeypatch.undo()
        worker = threading.Thread(target=tell)
        worker.start()
        worker.join()
        return add(one, other)

    with taximeter.span("s"):
        taximeter.log_llm_usage("big", 10, 1)

        @taximeter.carry
        def tell() -> None:
            for number in range(64):  # so many that they are added up at once
                taximeter.log_llm_usage(f"model {number}", 1, 1)

        monkeypatch.setattr(TokenBucket, "settle", settled)
    assert len(calls(events(recorder))) == 65
    assert of_recorder(recorder)["s"].tokens == {"input_tokens": 10, "output_tokens": 1}
    assert not guard.failures


def test_what_goes_wrong_with_the_tokens_of_a_span_does_not_reach_the_program(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Totals:
        raise ArithmeticError("no sum")

    with taximeter.span("s"):
        taximeter.log_llm_usage("big", 10, 1)
        monkeypatch.setattr(Totals, "__add__", fail)
    monkeypatch.undo()
    assert of_recorder(recorder)["s"].status == "done"
    assert guard.failures == {"ArithmeticError: no sum": 1}


def test_items_belong_to_the_outermost_span(recorder: Recorder) -> None:
    with taximeter.record_stage("s"), taximeter.span("inner"):
        taximeter.items(3)
        taximeter.items(4)
        taximeter.items(9, direction="in")
    assert (of_recorder(recorder)["s"].items_out, of_recorder(recorder)["s"].items_in) == (7, 9)


def test_tokens_are_left_out_on_request(card: Path) -> None:
    recorder = taximeter.enable(sink="memory:", rate_card_path=card, record_tokens=False)
    with taximeter.span("s"):
        taximeter.log_llm_usage("big", 5, 5)
    assert of_recorder(recorder)["s"].tokens is None
    assert len(calls(events(recorder))) == 1
