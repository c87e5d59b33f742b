"""Foreign text made fit to be shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_LONGEST = 80
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """Foreign text with everything that is not a letter, a sign or a blank made visible: shown, never interpreted."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def brief(text: str) -> str:
    """The same, and no longer than a line can bear."""
    return visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def shown(value: object) -> str:
    """A figure as it is; of anything else only the kind, since what is said of a wrong figure carries no payload."""
    if isinstance(value, bool | float | None):
        return str(value)
    if type(value) is int:
        return f"{value}" if abs(value) < 10**24 else "a huge integer"
    return f"a value of type {type(value).__name__}"


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


HIDDEN = "***"
"""What stands for a secret."""

_NAME = r"(?:api[-_]?key|access[-_]?key|private[-_]?key|secret|token(?![si])|passw(?:or)?d|credential|authorization)"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_OPTION = re.compile(rf"--?[\w-]*{_NAME}[\w-]*", re.IGNORECASE)
_VALUE = r"(['\"]?)(?![{$'\"*-])[^\s'\"&,;]+"
_IN_TEXT = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic) +[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(rf"(--?[\w-]*{_NAME}[\w-]*(?:=| +)){_VALUE}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(rf"(\b[\w-]*{_NAME}[\w-]*(?:=|: +)){_VALUE}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(r"\b(?:sk|pk|rk|gh[pousr]|github_pat|glpat|hf|npm|xox[abprs])[-_][\w-]{8,}"), HIDDEN),
    (re.compile(r"\b(?:AKIA[0-9A-Z]{12,}|AIza[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?)"), HIDDEN),
    (re.compile(r"(?<![\w+=-])(?=[\w+=]*[0-9])(?=[\w+=]*[a-z])(?=[\w+=]*[A-Z])[\w+=]{32,}(?![\w-])"), HIDDEN),
)
"""User info of addresses, values behind names of secrets, and what looks like a key whatever its name."""


def without_secrets(text: str) -> str:
    """Text in which nothing is left that looks like a secret."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def silent(value: Any, name: str = "") -> Any:
    """A value of JSON in which no text is left that looks like a secret, or that stands under the name of one."""
    match value:
        case str():
            return HIDDEN if value and _SECRET_NAME.search(name) else without_secrets(value)
        case dict():
            return {key: silent(part, key) for key, part in value.items()}
        case list() | tuple():
            before = ("", *value)
            return [
                HIDDEN if _is_secret_of(option, part) else silent(part, name)
                for option, part in zip(before, value, strict=False)
            ]
    return value


def _is_secret_of(option: Any, value: Any) -> bool:
    """Whether the value is what an option with the name of a secret gets, and no placeholder or variable."""
    if not (isinstance(option, str) and isinstance(value, str) and _OPTION.fullmatch(option)):
        return False
    return bool(value) and value[0] not in "{$-"
