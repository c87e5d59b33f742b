"""The order of stages and the circles that prevent it."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from taximeter.recipe.graph import order

NAMES = list("abcdefgh")
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4)).map(
    lambda needs: {name: [other for other in needed if other in needs] for name, needed in needs.items()}
)


def test_an_order_that_already_fits_is_kept() -> None:
    needs = {"b": [], "a": ["b"], "d": [], "c": ["a", "d"]}
    assert order(needs) == (["b", "a", "d", "c"], [])


def test_what_could_come_next_comes_as_authored() -> None:
    assert order({"d": ["a"], "c": [], "b": ["a"], "a": []}) == (["c", "a", "d", "b"], [])


def test_a_circle_is_a_path_along_the_needs() -> None:
    assert order({"x": [], "a": ["x", "b"], "b": ["c"], "c": ["b", "a"], "d": ["a"]}) == (["x", "a", "d"], [["b", "c"]])


def test_circles_apart_are_all_found() -> None:
    ordered, circles = order({"a": ["b"], "b": ["a"], "c": ["c"], "d": ["e"], "e": ["f", "a"], "f": ["d"]})
    assert (ordered, circles) == ([], [["a", "b"], ["c"], ["d", "e", "f"]])


@given(GRAPHS)
def test_each_name_is_ordered_after_its_needs_or_in_a_circle(needs: dict[str, list[str]]) -> None:
    ordered, circles = order(needs)
    in_circles = [name for circle in circles for name in circle]
    assert sorted(ordered + in_circles) == sorted(needs)
    for circle in circles:
        for name, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert following in needs[name]
    if not circles:
        place = {name: number for number, name in enumerate(ordered)}
        assert all(place[other] < place[name] for name, needed in needs.items() for other in needed)


def test_a_chain_and_a_ring_of_many_stages_need_no_recursion() -> None:
    before = time.process_time()
    count = 50_000
    chain = {str(n): [str(n + 1)] for n in range(count)} | {str(count): []}
    assert order(chain)[0] == [str(n) for n in range(count, -1, -1)]
    ((*ring,),) = order({str(n): [str((n + 1) % count)] for n in range(count)})[1]
    assert len(ring) == count
    assert time.process_time() - before < 10
