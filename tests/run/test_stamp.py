"""Stamps in rows: what was there stays, byte for byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.run.stamp import Stamps

KEYS = st.text(max_size=5) | st.sampled_from(["run_id", "module_id"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("row", "result"),
    [
        (b"{}", b'{"run_id": "r", "module_id": "m"}'),
        (b' { } \r\n', b' {"run_id": "r", "module_id": "m" } \r\n'),
        (b'{"a":1.10}\n', b'{"a":1.10, "run_id": "r", "module_id": "m"}\n'),
        (b'{"a":12345678901234567890,"run_id":null}', b'{"a":12345678901234567890,"run_id":null, "module_id": "m"}'),
        (b'{"module_id":"x","run_id":"y"}\n', b'{"module_id":"x","run_id":"y"}\n'),
        (b'{\n  "a": 1\n}\n', b'{\n  "a": 1,\n  "run_id": "r",\n  "module_id": "m"\n}\n'),
    ],
)  # fmt: skip
def test_what_is_missing_is_added_at_the_end(row: bytes, result: bytes) -> None:
    assert Stamps({"run_id": "r", "module_id": "m"}).put(row, json.loads(row))[0] == result


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from([None, 1, 2]), st.text(max_size=5))
def test_a_row_keeps_what_it_says_and_gets_what_it_does_not_say(
    row: dict[str, object], indent: int | None, value: str
) -> None:
    stamps = {"run_id": value, "created_at": "now"}
    text = json.dumps(row, indent=indent).encode()
    stamped, value_stamped = Stamps(stamps).put(text, row)
    assert json.loads(stamped) == value_stamped == {**stamps, **row}
