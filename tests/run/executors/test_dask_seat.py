"""Which workers of Dask can be used."""

import math
from typing import Any

import pytest

from taximeter import __version__
from taximeter.errors import SetupError
from taximeter.run.executors.dask_seat import take_seat
from taximeter.run.executors.dask_worker import Hello

FACTS: dict[str, Any] = {"nthreads": 2, "memory_limit": 0, "resources": {"GPU": 1.0}}


def test_a_worker_that_is_like_us_gives_what_it_has() -> None:
    seat = take_seat("tcp://w", FACTS, Hello(__version__, "life"))
    assert (seat.threads, seat.memory, seat.gpus, seat.life, seat.load) == (2, math.inf, 1.0, "life", 0.0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            ModuleNotFoundError("No module named 'taximeter'"),
            "the worker at tcp://w has no taximeter that answers: No module named 'taximeter'",
        ),
        (Hello("0.0.1", "life"), f"the worker at tcp://w has taximeter 0.0.1, and this is {__version__}"),
    ],
)
def test_one_that_is_not_says_what_to_install(answer: object, said: str) -> None:
    with pytest.raises(SetupError) as caught:
        take_seat("tcp://w", FACTS, answer)
    (problem,) = caught.value.problems
    assert said == problem.message
    assert f"taximeter=={__version__}" in (problem.hint or "")
