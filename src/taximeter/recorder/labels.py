"""Labels as one text, `team=x,env=prod`, for the environment of a child process; and back."""

from __future__ import annotations

from collections.abc import Mapping

_ESCAPES = (("%", "%25"), (",", "%2C"), ("=", "%3D"))
"""Signs that stand between labels, in a label; the first one first."""


def joined(labels: Mapping[str, str]) -> str:
    """The labels as `split` reads them."""
    return ",".join(f"{_escaped(name)}={_escaped(value)}" for name, value in labels.items())


def split(text: str) -> dict[str, str]:
    """The labels in a text; what is none is left out."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {_plain(name): _plain(value) for name, sign, value in pairs if name and sign}


def bearable(text: str) -> str:
    """The text without what no environment can hold, for which a program could not be started."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _escaped(text: str) -> str:
    for sign, escape in _ESCAPES:
        text = text.replace(sign, escape)
    return text


def _plain(text: str) -> str:
    for sign, escape in reversed(_ESCAPES):
        text = text.replace(escape, sign)
    return text
