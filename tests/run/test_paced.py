"""When a write is due that costs time."""

import math

from taximeter.run.paced import Paced


class Bench:
    """A clock that goes on only when work is done."""

    def __init__(self, every: float, rest: float = 0.0) -> None:
        self.at = 100.0
        self.written: list[float] = []
        self.paced = Paced(lambda: self.work(0.2), self, every, lambda: self.work(5), rest)

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def work(self, seconds: float) -> None:
        self.at += seconds
        self.written.append(self.at)


def test_it_waits_until_the_next_write_and_no_longer() -> None:
    bench = Bench(every=math.inf)
    assert bench.paced.wait() == math.inf
    assert Bench(every=4).paced.wait() == 4


def test_what_is_prepared_costs_the_write_nothing() -> None:
    bench = Bench(every=1)
    bench.paced.want()
    assert bench.written == []
    bench.paced.tick()
    assert bench.written == [105.0, 105.2]
    assert math.isclose(bench.paced.wait(), 2)  # ten times 0.2


def test_what_is_wanted_too_early_is_written_when_it_is_due() -> None:
    bench = Bench(every=math.inf)
    for _ in range(2):
        bench.paced.want()
        bench.paced.tick()
    assert len(bench.written) == 2
    bench.at += bench.paced.wait()
    bench.paced.tick()
    assert len(bench.written) == 4
    assert bench.paced.wait() == math.inf


def test_a_cheap_write_has_its_rest_too_and_so_has_the_first_one() -> None:
    bench = Bench(every=math.inf, rest=3)
    for written in (0, 2):
        bench.paced.want()
        bench.paced.tick()
        assert len(bench.written) == written
        assert math.isclose(bench.paced.wait(), 3)
        bench.at += 3
        bench.paced.tick()
        assert len(bench.written) == written + 2
