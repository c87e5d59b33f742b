"""Values in a string for the shell: each stays one word, or a part of one, whatever it holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

_BARE = "("
_NEXT = {
    _BARE: re.compile(r"""\\.|['"()]|(?<![^\s;&|(])#[^\n]*""", re.DOTALL),
    '"': re.compile(r'\\.|"|\$\(', re.DOTALL),
    "'": re.compile(r"'"),
}
"""What can change the quoting, by the quoting that is in force; `(` and `$(` begin anew."""

_SIGN = re.compile(
    r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|((?<!\S)(?:[\d&]?(?:>>?|<)|(?:\|\|?|&&?)(?!\S))|;(?!\S))""", re.DOTALL
)
"""What is quoted, or (the group) a sign that sends output elsewhere or joins commands."""


def first_sign(words: str) -> str | None:
    """The first sign in words that only a shell would understand; one within quotes is text."""
    return next((match[1] for match in _SIGN.finditer(words) if match[1]), None)


def fill(script: str, placeholder: re.Pattern[str], value: Callable[[str], str]) -> str:
    """The script with a quoted value for each placeholder; inside quotes they are closed before and opened after."""
    quoting, pieces, end = [_BARE], list[str](), 0
    for match in placeholder.finditer(script):
        _read(script, end, match.start(), quoting)
        around = "" if quoting[-1] == _BARE else quoting[-1]
        pieces += script[end : match.start()], around, shlex.quote(value(match[1])), around
        end = match.end()
    return "".join((*pieces, script[end:]))


def _read(script: str, start: int, end: int, quoting: list[str]) -> None:
    """Follows the quoting through a piece of the script; the innermost stands last."""
    while match := _NEXT[quoting[-1]].search(script, start, end):
        start = match.end()
        sign = match[0][-1]
        if match[0][0] in "\\#":
            continue
        if sign != ")" and (sign == _BARE or sign != quoting[-1]):
            quoting.append(sign)
        elif len(quoting) > 1:
            quoting.pop()
