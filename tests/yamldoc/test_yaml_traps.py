"""What can be wrong with YAML: each trap is one problem in plain words, at the place to mend."""

from __future__ import annotations

import json
import resource
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from taximeter.errors import SetupError
from taximeter.yamldoc import parse, reader
from taximeter.yamldoc.reader import MAX_PROBLEMS
from taximeter.yamldoc.syntax import MAX_DEPTH

TRAPS = {
    # values that readers of YAML disagree about
    "a: 010": ["x:1:4: `010` is octal to some readers of YAML and decimal to others [write 10, or for text: '010']"],
    "a: -00": ["x:1:4: `-00` is octal to some readers of YAML and decimal to others [write -0, or for text: '-00']"],
    "a: .inf": ["x:1:4: `.inf` is not a finite number [for text: '.inf']"],
    "a: -.INF": ["x:1:4: `-.INF` is not a finite number [for text: '-.INF']"],
    "a: .nan": ["x:1:4: `.nan` is not a finite number [for text: '.nan']"],
    "a: 1e999": ["x:1:4: `1e999` is out of the range of numbers [for text: '1e999']"],
    "a: 1e-999": ["x:1:4: `1e-999` is out of the range of numbers [for text: '1e-999']"],
    "a: 18446744073709551616": [
        "x:1:4: `18446744073709551616` does not fit in 64 bits [for text: '18446744073709551616']"
    ],
    "a: 0xfffffffffffffffff": [
        "x:1:4: `0xfffffffffffffffff` does not fit in 64 bits [for text: '0xfffffffffffffffff']"
    ],
    # keys
    "a: 1\nb: 2\na: 3": ["x:3:1: the key `a` is given again [it is first given on line 1; keep one]"],
    '{"a": {"b": 1, "b": 2}}': ["x:1:16: the key `b` is given again [it is first given on line 1; keep one]"],
    "1: x": ["x:1:1: the key `1` is not text [write '1']"],
    "true: x": ["x:1:1: the key `true` is not text [write 'true']"],
    "~: x": ["x:1:1: the key `~` is not text [write '~']"],
    "? [a, b]\n: c": ["x:1:3: a map or a list cannot be a key [put text that begins with `{` or `[` in quotes]"],
    "{out}: c": ["x:1:1: a map or a list cannot be a key [put text that begins with `{` or `[` in quotes]"],
    "<<: {a: 1}": ["x:1:1: merging with `<<` is not allowed [write the keys out]"],
    # what can explode, or means something else than it seems
    "a: &b 1": ["x:1:4: `&b` is an anchor, which is not allowed [leave it out; for text: put it in quotes]"],
    "a: *b": [
        "x:1:4: `*b` is an alias, which is not allowed [write out what it stands for; for text: put it in quotes]"
    ],
    "a: !!python/name:os.system x": [
        "x:1:4: `!!python/name:os.system` is a tag, which is not allowed [leave it out; for text: put it in quotes]"
    ],
    "a: !foo": ["x:1:4: `!foo` is a tag, which is not allowed [leave it out; for text: put it in quotes]"],
    "a: 1\n---\nb: 2": ["x:2:1: a second document begins here [one file holds one document]"],
    "a: 1\n...\nb: 2": ["x:3:1: this stands after the end of the document [one file holds one document]"],
    # characters
    "a: \x07": ["x:1:4: the character U+0007 cannot stand here [leave it out, or escape it in double quotes]"],
    "a: \ud800": ["x:1:4: the character U+D800 cannot stand here [leave it out, or escape it in double quotes]"],
    "a:\n  \ufeffb": ["x:2:3: the character U+FEFF cannot stand here [leave it out, or escape it in double quotes]"],
    'a: "\\0"': ["x:1:4: there is a NUL or half a character in this [no program can be given that]"],
    'a: "\\xZZ"': ["x:1:7: bad escape in double quotes [write the character itself]"],
    # syntax
    "a:\n\t- b": ["x:2:1: a tab cannot indent [use spaces]"],
    "a:\n  b: 1\n\tc: 2": ["x:3:1: a tab cannot indent [use spaces]"],
    "a: [1,\n  b": ["x:1:4: this `[` is never closed [close it]"],
    "a: {b: [1, 2}": ["x:1:13: a `,` or the closing `]` is missing before this [it was opened on line 1]"],
    "a: {b": ["x:1:4: this `{` is never closed [close it]"],
    "a: {b: 1\n  c: 2}": ["x:2:4: a `,` or the closing `}` is missing before this [it was opened on line 1]"],
    "a: 'b\nc: 1": ["x:1:4: this quote is never closed [close it]"],
    "a: 'it's'": ["x:1:8: nothing can follow the closing `'` [put the whole value in quotes]"],
    "a: {out}/b": ["x:1:9: nothing can follow the closing `}` [put the whole value in quotes]"],
    "a: [b]]": ["x:1:7: nothing can follow the closing `]` [put the whole value in quotes]"],
    "a: b: c": ["x:1:5: a `:` where no key can stand [put text with `: ` in quotes, or check the indentation]"],
    "a: 1\n b: 2": ["x:2:3: a `:` where no key can stand [put text with `: ` in quotes, or check the indentation]"],
    "a: ? b": ["x:1:4: a `?` where no key can stand [put the whole value in quotes]"],
    "a: - b": ["x:1:4: a list cannot begin here [put each `- ` item on a line of its own]"],
    "a: @b": ["x:1:4: text cannot begin with `@` [put the whole value in quotes]"],
    "a: %b": ["x:1:4: text cannot begin with `%` [put the whole value in quotes]"],
    "a: *.txt": ["x:1:4: text cannot begin with `*` [put the whole value in quotes]"],
    "a: & b": ["x:1:4: text cannot begin with `&` [put the whole value in quotes]"],
    "a: |b": ["x:1:4: text cannot begin with `|` [put the whole value in quotes]"],
    "a: ]": ["x:1:4: a value is missing before this [put text that begins with `]` in quotes]"],
    "a: [b,,c]": ["x:1:7: a value is missing before this [put text that begins with `,` in quotes]"],
    "a:\n  - b\n c: d": ["x:3:2: this does not fit what stands above it [check the indentation]"],
    "a:\n  - b\n  c: d": ["x:3:3: this does not fit what stands above it [check the indentation]"],
    "a: 1\n- b": ["x:2:1: this does not fit what stands above it [check the indentation]"],
    "a: 1\nb\nc: 2": ["x:2:1: this is neither `key: value` nor `- item` [a key needs a `:` and a space]"],
    # all in one go
    "a: 010\nb: *x\na: .nan": [
        "x:1:4: `010` is octal to some readers of YAML and decimal to others [write 10, or for text: '010']",
        "x:2:4: `*x` is an alias, which is not allowed [write out what it stands for; for text: put it in quotes]",
        "x:3:1: the key `a` is given again [it is first given on line 1; keep one]",
        "x:3:4: `.nan` is not a finite number [for text: '.nan']",
    ],
}


def refused(text: str) -> list[str]:
    with pytest.raises(SetupError) as caught:
        parse(text, "x")
    return [f"{problem.where}: {problem.message} [{problem.hint}]" for problem in caught.value.problems]


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_LOADER", getattr(yaml, request.param))


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", TRAPS)
def test_a_trap_is_told_in_plain_words_at_its_place(text: str) -> None:
    assert refused(text) == TRAPS[text]


def test_an_unknown_escape_is_told_at_its_place() -> None:
    assert refused('a: "b\\d"') == [
        "x:1:6: unknown escape in double quotes [use single quotes, or write `\\\\` for a backslash]"
    ]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "[{a: "])
def test_nesting_200_thousand_deep_is_refused_at_once(opening: str) -> None:
    before = time.process_time()
    assert refused(opening * 200_000)[0].endswith("this is nested deeper than 64 levels [is a bracket left open?]")
    assert time.process_time() - before < 5


@pytest.mark.parametrize("piece", ["? ", "[&a ", "[!a ", "- &a ", "a: ", "*a\n", "{? "])
def test_nonsense_200_thousand_times_is_refused_at_once(piece: str) -> None:
    before = time.process_time()
    assert 1 <= len(refused(piece * 200_000)) <= MAX_PROBLEMS
    assert time.process_time() - before < 5


def test_nesting_is_allowed_to_a_limit() -> None:
    parse("[" * MAX_DEPTH + "]" * MAX_DEPTH, "x")
    assert refused("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == [
        f"x:1:{MAX_DEPTH + 1}: this is nested deeper than 64 levels [is a bracket left open?]"
    ]


def test_aliases_that_would_explode_cost_nothing() -> None:
    laughs = "a: &a [lol]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(20)
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = refused(laughs)
    assert len(told) == MAX_PROBLEMS
    assert told[-1].endswith(": from here on nothing is checked [mend what stands above first]")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 50_000


def test_a_number_of_a_million_digits_is_refused_at_once() -> None:
    before = time.process_time()
    assert "does not fit in 64 bits" in refused("a: " + "1" * 1_000_000)[0]
    assert time.process_time() - before < 5


PIECES = st.sampled_from(
    [*"[]{}:,-?&*!|>'\"%@`#\n\t \\~<=.0189aé𝄞\x07\ufeff\ud800\u2028", "- ", ": ", "\n  ", "---\n", "<<", "010", "1e9"]
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_a_document_or_a_list_of_problems(text: str) -> None:
    try:
        parse(text, "x")
    except SetupError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message.isprintable()
            assert 1 <= (problem.line or 0) <= text.count("\n") + text.count("\r") + 1
            assert problem.column


WORDS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_what_a_json_writer_writes_is_read_back(value: object) -> None:
    assert parse(json.dumps(value), "x").data == value
