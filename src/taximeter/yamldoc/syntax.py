"""The parser's complaint in plain words, at the place where a person has to mend something."""

from __future__ import annotations

import re

import yaml

from taximeter.errors import Problem
from taximeter.yamldoc.document import Document, show

MAX_DEPTH = 64
TOO_DEEP = f"this is nested deeper than {MAX_DEPTH} levels", "is a bracket left open?"
"""What is said by us, and for a parser that reads ahead to a limit of its own."""

_QUOTE = "put the whole value in quotes"
_MISFIT = "expected key|<block end>|'-' indicator"
_SAYINGS = {
    "maximum nesting depth": TOO_DEEP,
    "cannot start any token": ("text cannot begin with {character}", _QUOTE),
    "mapping values": (
        "a `:` where no key can stand",
        "put text with `: ` in quotes, or check the indentation",
    ),
    "mapping keys": ("a `?` where no key can stand", _QUOTE),
    "sequence entries": ("a list cannot begin here", "put each `- ` item on a line of its own"),
    "unknown escape": (
        "unknown escape in double quotes",
        r"use single quotes, or write `\\` for a backslash",
    ),
    "hexdecimal|hexadecimal|Unicode": ("bad escape in double quotes", "write the character itself"),
    "<document start>": ("this stands after the end of the document", "one file holds one document"),
    _MISFIT: ("this does not fit what stands above it", "check the indentation"),
    "node content": ("a value is missing before this", "put text that begins with {character} in quotes"),
}
"""What the parser says (the one in C and the one in Python differ in words), and what that means."""

_SAYINGS_OF_A_BEGINNING = {
    "alphabetic or numeric|comment or line break|chomping|indentation indicator": (
        "text cannot begin with {character}",
        _QUOTE,
    ),
    "scanning a quoted scalar.*end of stream": ("this quote is never closed", "close it"),
    "could not find expected ':'": ("this is neither `key: value` nor `- item`", "a key needs a `:` and a space"),
}
"""The same where the parser notices late: the place to mend is where the thing began."""


def syntax_problem(error: yaml.MarkedYAMLError, document: Document, innermost: int) -> Problem:
    """The problem behind an error of the parser; `innermost` is the offset of the map or list that was open."""
    end = len(document.text.rstrip())
    offset = min(error.problem_mark.index, end) if error.problem_mark else 0
    began = error.context_mark.index if error.context_mark else offset
    complaint = f"{error.context or ''} {error.problem}"
    seen = _seen(document, complaint, offset, began)
    if "flow" in complaint and offset == end:
        offset, seen = innermost, (f"this `{document.text[innermost]}` is never closed", "close it")
    if seen:
        return document.problem_at(offset, *seen)
    for table, place in ((_SAYINGS_OF_A_BEGINNING, began), (_SAYINGS, offset)):
        for pattern, (message, hint) in table.items():
            if re.search(pattern, complaint):
                character = show(document.text[place : place + 1])
                return document.problem_at(place, message.format(character=character), hint.format(character=character))
    return document.problem_at(offset, f"this is not YAML: {error.problem}")


def _seen(document: Document, complaint: str, offset: int, began: int) -> tuple[str, str] | None:
    """What the text around the place says better than the parser."""
    if document.text[offset : offset + 1] == "\t":
        return "a tab cannot indent", "use spaces"
    if closing := re.search("',' or '(.)'", complaint):
        line, _ = document.position(began)
        return f"a `,` or the closing `{closing[1]}` is missing before this", f"it was opened on line {line}"
    before = document.text[:offset].rstrip(" ")[-1:]
    if before in ("}", "]", "'", '"') and re.search(f"{_MISFIT}|<document start>", complaint):
        return f"nothing can follow the closing `{before}`", _QUOTE
    return None
