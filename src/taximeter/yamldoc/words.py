"""Words that messages about authored files share."""

from __future__ import annotations

import bisect
import json
from collections.abc import Collection, Iterable

from taximeter.yamldoc.document import Value, show

TEXT = "text"
WHOLE_NUMBER = "a whole number"
NUMBER = "a number"
YES_OR_NO = "true or false"
LIST = "a list"
MAP = "a map"

_MOST_LISTED = 18
_MOST_COMPARED = 200  # comparing 5,000 wrong names with 5,000 right ones would take minutes
_NEIGHBOURS = 20


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest, if one is near."""
    words = sorted(known)
    if len(words) > _MOST_COMPARED:
        place = bisect.bisect(words, word)
        words = words[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]
    from difflib import get_close_matches  # what is right is like nothing else

    return next(iter(get_close_matches(word, words, n=1)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint at the known word that is nearest."""
    near = nearest(word, known)
    return f"did you mean {show(near)}?" if near else None


def nearest_or_all(word: str, known: Iterable[str]) -> str | None:
    """A hint at the known word that is nearest, else at all of them if they are few."""
    words = sorted(known)
    everything = f"known: {', '.join(map(show, words))}" if 0 < len(words) <= _MOST_LISTED else None
    return did_you_mean(word, words) or everything


def describe(value: Value) -> str:
    """What a value is, for a message that says what it should be."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {show(value)}"
        case int() | float():
            return f"the number {json.dumps(value)}"
        case list():
            return LIST
        case dict():
            return MAP


def mend(value: Value, wanted: Collection[str]) -> str | None:
    """How to write a value of the wrong type so that it has one of the wanted ones."""
    match value:
        case None:
            return "give it a value, or leave the key out"
        case "yes" | "Yes" | "YES" | "on" | "On" | "ON" if YES_OR_NO in wanted:
            return "write true"
        case "no" | "No" | "NO" | "off" | "Off" | "OFF" if YES_OR_NO in wanted:
            return "write false"
        case str() if value.replace("_", "").isdecimal() and not {WHOLE_NUMBER, NUMBER}.isdisjoint(wanted):
            return f"write {value.replace('_', '')} without quotes"
        case str() if LIST in wanted:
            return "put it in [brackets]"
        case str() if MAP in wanted and ":" in value:
            return "a key needs a space after its `:`"
        case dict() if TEXT in wanted:
            return "put it in quotes: what begins with `{` or holds `: ` is a map"
        case bool() | int() | float() if TEXT in wanted:
            return "put it in quotes"
    return None
