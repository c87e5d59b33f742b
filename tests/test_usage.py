"""Counts that contain each other."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.usage import MODALITIES, SUBSETS, Usage, counts, is_consistent, violations

TOKENS = st.none() | st.integers(0, 2**63 - 1)
USAGES = st.builds(
    Usage,
    **dict.fromkeys(("input_tokens", "output_tokens", *SUBSETS), TOKENS),
    cache_write_by_ttl=st.dictionaries(st.sampled_from(["5m", "1h"]), st.integers(0, 2**63 - 1)).map(counts),
)
PARTS = st.lists(st.integers(0, 2**40), min_size=4, max_size=4)


@given(PARTS, PARTS, PARTS, PARTS)
def test_parts_of_a_whole_contradict_nothing(
    fresh: list[int], read: list[int], out: list[int], kept: list[int]
) -> None:
    by_input = {f"{m}_input_tokens": fresh[i] + read[i] for i, m in enumerate(MODALITIES)}
    usage = Usage(
        input_tokens=sum(fresh) + sum(read) + sum(kept),
        output_tokens=sum(out),
        cache_read_input_tokens=sum(read),
        cache_write_input_tokens=sum(kept),
        cache_write_by_ttl=counts({f"{i}m": tokens for i, tokens in enumerate(kept)}),
        reasoning_output_tokens=out[0],
        **by_input,
        **{f"{m}_output_tokens": out[i] for i, m in enumerate(MODALITIES)},
        **{f"{m}_cache_read_input_tokens": read[i] for i, m in enumerate(MODALITIES)},
    )
    assert violations(usage) == ()


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (
            Usage(10, cache_read_input_tokens=11),
            "cache_read_input_tokens + cache_write_input_tokens 11 > input_tokens 10",
        ),
        (
            Usage(10, cache_read_input_tokens=6, cache_write_input_tokens=5),
            "cache_read_input_tokens + cache_write_input_tokens 11 > input_tokens 10",
        ),
        (Usage(10, tool_use_input_tokens=11), "tool_use_input_tokens 11 > input_tokens 10"),
        (Usage(10, 5, reasoning_output_tokens=6), "reasoning_output_tokens 6 > output_tokens 5"),
        (
            Usage(audio_input_tokens=1, audio_cache_read_input_tokens=2),
            "audio_cache_read_input_tokens 2 > audio_input_tokens 1",
        ),
        (
            Usage(10, cache_write_input_tokens=3, cache_write_by_ttl=counts({"5m": 2, "1h": 2})),
            "cache_write_by_ttl 4 > cache_write_input_tokens 3",
        ),
    ],
)
def test_a_part_larger_than_its_whole_is_named_with_both(usage: Usage, reason: str) -> None:
    assert violations(usage) == (reason,)


@given(USAGES)
def test_every_part_of_a_consistent_usage_fits_in_its_whole(usage: Usage) -> None:
    fits = all(
        (getattr(usage, name) or 0) <= whole
        for name in SUBSETS
        if (whole := usage.output_tokens if name.endswith("_output_tokens") else usage.input_tokens) is not None
    )
    assert fits or not is_consistent(usage)


def test_a_part_whose_whole_nobody_gave_contradicts_nothing() -> None:
    assert is_consistent(Usage(cache_read_input_tokens=5, audio_output_tokens=2, cache_write_by_ttl=(("5m", 1),)))


@given(USAGES)
def test_a_usage_can_be_hashed_and_comes_back_from_json(usage: Usage) -> None:
    back = msgspec.json.decode(msgspec.json.encode(usage), type=Usage)
    assert (back, hash(back)) == (usage, hash(usage))


@pytest.mark.parametrize("wrong", ["-1", "true", "1.5", "9223372036854775808", '"5"'])
def test_counts_that_cannot_be_true_are_not_read(wrong: str) -> None:
    for field in (f'"input_tokens":{wrong}', f'"counters":[["images",{wrong}]]'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(f"{{{field}}}", type=Usage)
