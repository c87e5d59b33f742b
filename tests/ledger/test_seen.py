"""What was taken is known exactly, in whatever order it comes."""

from hypothesis import given
from hypothesis import strategies as st

from taximeter.ledger import seen
from taximeter.ledger.seen import Seen


@given(st.lists(st.integers(0, 40)))
def test_a_number_is_new_once(numbers: list[int]) -> None:
    taken, known = Seen(), set[int]()
    for number in numbers:
        assert taken.is_new(number) == (number not in known)
        known.add(number)
    gaps = sum(number + 1 not in known for number in known)
    assert taken.ranges == gaps


def test_what_comes_in_order_is_one_range() -> None:
    taken = Seen()
    assert all(taken.is_new(number) for number in range(100_000))
    assert taken.ranges == 1


def test_a_late_part_is_taken_however_late_it_is() -> None:
    taken = Seen()
    assert all(taken.is_new(number) for number in range(50_000, 100_000))
    assert all(taken.is_new(number) for number in range(50_000))
    assert taken.ranges == 1


def test_memory_is_bounded_the_oldest_gap_is_given_up() -> None:
    taken = Seen()
    assert all(taken.is_new(2 * number) for number in range(seen._MOST + 10))
    assert taken.ranges == seen._MOST
    assert not taken.is_new(1)
    assert taken.is_new(2 * seen._MOST + 1)
