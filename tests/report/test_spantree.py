"""Regions by self and total time."""

from taximeter.events import SpanEvent
from taximeter.ledger.spansums import SpanSums
from taximeter.report.spantree import span_tree


def span(name: str, parent: str | None, wall_ms: float, **fields: object) -> SpanEvent:
    return SpanEvent(
        event_id=("p", 0),
        run_id="r",
        trace_id="t",
        span_id="s",
        kind="span",
        span=name,
        parent_span=parent,
        stage_id="stage",
        started_at=0,
        **{"ended_at": 1, "wall_ms": wall_ms, "ok": True, **fields},
    )


def tree(*spans: SpanEvent, most: int = 500) -> tuple[list[tuple[str, str | None, int, float, float]], int]:
    sums = SpanSums(most)
    for each in spans:
        sums.take(each)
    made = span_tree(sums)
    names = [node.name for node in made.nodes]
    return [
        (n.name, None if n.parent is None else names[n.parent], n.count, n.total_seconds, n.self_seconds)
        for n in made.nodes
    ], made.left_out


def test_self_time_is_what_the_children_leave() -> None:
    nodes, _ = tree(
        span("ask", "batch", 2000),
        span("ask", "batch", 3000),
        span("parse", "batch", 500),
        span("batch", "stage", 6000),
        span("running", "stage", 0, ended_at=None),
    )
    assert nodes == [
        ("batch", None, 1, 6.0, 0.5),
        ("ask", "batch", 2, 5.0, 5.0),
        ("parse", "batch", 1, 0.5, 0.5),
    ]


def test_recursion_and_rings_stand_once() -> None:
    nodes, _ = tree(span("walk", "walk", 10), span("walk", "stage", 50), span("x", "y", 1), span("y", "x", 1))
    assert sorted(name for name, *_ in nodes) == ["walk", "walk", "x", "y"]
    assert sorted(total for *_, total, _ in nodes) == [0.001, 0.001, 0.01, 0.05]


def test_names_made_of_data_cost_no_memory() -> None:
    nodes, left_out = tree(*(span(f"item {i}", "stage", 1) for i in range(20)), most=5)
    assert (len(nodes), left_out) == (5, 15)
