"""Foreign text made fit to be shown."""

from __future__ import annotations

import unicodedata

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
