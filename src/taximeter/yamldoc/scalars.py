"""What an unquoted scalar means: the core schema of YAML 1.2, without what its readers disagree about."""

from __future__ import annotations

import math
import re

from taximeter.errors import Problem, SetupError
from taximeter.yamldoc.document import show

_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEXADECIMAL = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LONGEST_INTEGER = 24  # digits; nothing of 64 bits is longer, and converting a million of them takes minutes


def scalar(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar; SetupError (without a place) where readers of YAML would not agree on it."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _OCTAL_OR_HEXADECIMAL.fullmatch(text):
        return _in_64_bits(text, 0)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _NOT_FINITE.fullmatch(text):
        raise _refusal(f"{show(text)} is not a finite number", text)
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0":
        number = text[: -len(digits)] + (digits.lstrip("0") or "0")
        message = f"{show(text)} is octal to some readers of YAML and decimal to others"
        raise _refusal(message, text, f"write {number[:80]}, or ")
    return _in_64_bits(text, 10)


def _in_64_bits(text: str, base: int) -> int:
    value = int(text, base) if len(text) <= _LONGEST_INTEGER else 2**64
    if not -(2**63) <= value < 2**64:
        raise _refusal(f"{show(text)} does not fit in 64 bits", text)
    return value


def _float(text: str) -> float:
    value = float(text)
    vanished = value == 0 and re.search("[1-9]", text.lower().partition("e")[0])
    if vanished or math.isinf(value):
        raise _refusal(f"{show(text)} is out of the range of numbers", text)
    return value


def _refusal(message: str, text: str, number: str = "") -> SetupError:
    return SetupError(Problem(message, f"{number}for text: '{text[:80]}'"))
