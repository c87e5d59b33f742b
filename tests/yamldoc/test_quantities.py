"""Durations and sizes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from taximeter.yamldoc.modelled import model_of, typed
from taximeter.yamldoc.quantities import Duration, Size, Timespan


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(90, 90), (1.5, 1.5), (0, 0), ("30m", 1800), ("1h 30m", 5400), ("1h30m", 5400), ("500ms", 0.5), ("1.5 s", 1.5)],
)
def test_a_duration(written: Any, seconds: float) -> None:
    assert TypeAdapter(typed(Duration, model_of)).validate_python(written, strict=True) == seconds


@pytest.mark.parametrize("written", [True, -1, "1", "m", "1m!", "1 month", "-1s", "366d", 1e300, float("nan"), []])
def test_no_duration(written: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(typed(Duration, model_of)).validate_python(written, strict=True)


def test_a_timespan_is_more_than_nothing() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(typed(Timespan, model_of)).validate_python("0s")


@pytest.mark.parametrize(
    ("written", "size"),
    [(1, 1), ("512MiB", 2**29), ("2 GiB", 2**31), ("1.5GB", 1_500_000_000), ("64kB", 64_000), ("7B", 7)],
)
def test_a_size(written: Any, size: int) -> None:
    assert TypeAdapter(typed(Size, model_of)).validate_python(written, strict=True) == size


@pytest.mark.parametrize("written", [True, 0, -1, 1.5, "1", "1gb", "1GiBB", "0B", "9999999TiB", 2**61, None])
def test_no_size(written: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(typed(Size, model_of)).validate_python(written, strict=True)
