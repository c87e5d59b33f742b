"""Foreign text made fit to be shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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

_NAME = (
    r"(?:(?:api|access|private|signing|encryption|account|subscription|master)[-_]?key|secret|token(?![si])"
    r"|passw(?:or)?d|passphrase|credential|authorization|cookie|connection[-_]?string)"
)
_SHORT_NAME = r"(?:[\w-]+[-_])?(?:pass|auth|dsn)|[\w-]+[-_]pwd"
"""Too short to be told from a word within a name or in a text: whole names, `PWD` is none."""

_SECRET_NAME = re.compile(rf".*{_NAME}.*|{_SHORT_NAME}", re.IGNORECASE | re.DOTALL)
_OPTION = rf"(?i)--?[\w-]*{_NAME}[\w-]*|--(?:{_SHORT_NAME})"
_VALUE = r"(['\"]?)(?![{$'\"*-])[^\s'\"&,;]+"
_QUERY = re.compile(r"([?&][\w.~-]+=)(?![{$])[^&#\s'\"]+")


class _Sign(NamedTuple):
    """How a secret shows itself in a text."""

    words: tuple[tuple[str, ...], ...]
    """One of each stands there, if in small letters: to look for words is quicker than to look for a pattern."""

    pattern: str
    """Compiled where it is needed first: that takes longer than most texts."""

    instead: str


_WORDS = ("key", "secret", "token", "passw", "passphrase", "credential", "authorization", "cookie", "connection")
"""One of them is in each name of a secret that is not a short one."""

_IN_TEXT = (
    _Sign((("://",), ("@",)), r"(?i)(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", rf"\1{HIDDEN}@"),
    _Sign((("bearer ", "basic "),), r"(?i)\b(Bearer|Basic) +[\w.~+/=-]{8,}", rf"\1 {HIDDEN}"),
    _Sign((_WORDS, ("-",)), rf"(?i)(--?[\w-]*{_NAME}[\w-]*(?:=| +)){_VALUE}", rf"\1\2{HIDDEN}"),
    _Sign((_WORDS, ("=", ": ")), rf"(?i)(\b[\w-]*{_NAME}[\w-]*(?:=|: +)){_VALUE}", rf"\1\2{HIDDEN}"),
    _Sign((("--",), ("pass", "auth", "dsn", "pwd")), rf"(?i)(--(?:{_SHORT_NAME})(?:=| +)){_VALUE}", rf"\1\2{HIDDEN}"),
    _Sign(
        (("pass=", "auth=", "dsn=", "_pwd="),),
        rf"(\b(?:(?:\w+_)?(?:PASS|AUTH|DSN)|\w+_PWD)=){_VALUE}",
        rf"\1\2{HIDDEN}",
    ),
    _Sign((("-", "_"),), r"\b(?:sk|pk|rk|gh[pousr]|github_pat|glpat|hf|npm|xox[abprs])[-_][\w-]{8,}", HIDDEN),
    _Sign((("-",),), r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", HIDDEN),
    _Sign(
        (("akia", "aiza", "eyj"),),
        r"\b(?:AKIA[0-9A-Z]{12,}|AIza[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?)",
        HIDDEN,
    ),
)
"""User info of addresses, values behind names of secrets, and what says of itself that it is a key."""

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"]*", re.IGNORECASE)

_TOKEN = re.compile(r"[A-Za-z0-9+=_~-]{13,}")
"""What may be a key by its length alone; parts of a path or an address are tokens of their own."""

_PART = re.compile(r"[A-Za-z0-9]+")
_SHORT = 12
"""Characters of a part that say too little to open anything."""

_SHORTEST_KNOWN = 6
"""Characters of a value that is looked for everywhere: a shorter one stands in too many words by chance."""

_ORDINARY = re.compile(r"\d+|\d{8}T\d{6}Z?|(?P<word>[A-Za-z]+)\d{0,6}")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_UNSPEAKABLE = re.compile(r"[b-df-hj-np-tv-xz]{5}|q[^u]|[jvz][bcdfghjkmnpqtvwx]|x[bdgjkmnqvwxz]", re.IGNORECASE)
_MIXED = re.compile(r"[A-Za-z]+[0-9]+[A-Za-z][A-Za-z0-9]*|[0-9]+[A-Za-z]+[0-9][A-Za-z0-9]*")
_CHANGES = re.compile(r"[0-9]+|[a-z]+|[A-Z]+[a-z]*")
_MOST_CHANGES = 4
"""Between capitals, small letters and digits within one part."""

_FEW = 4
"""Characters that a part is made of which is a line or a filling, as in `xxxxxxxxxxxxxxxx`."""

_TIME = re.compile(r"\d{8}T\d{6}Z?")
_HEX = re.compile(r"[0-9a-f]+")
"""Short, it ends the names of our own files."""

_known: dict[str, re.Pattern[str]] = {}
"""Values that are secrets because of where they stand, and what finds each."""


def hide(values: Iterable[str]) -> None:
    """From now on these values are secrets wherever they stand; not short ones, nor numbers (`TOKEN_LIMIT=100000`)."""
    for value in values:
        if len(value) >= _SHORTEST_KNOWN and not value.isdecimal() and value not in _known:
            _known[value] = re.compile(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])")


def hide_named(variables: Mapping[str, str]) -> None:
    """The same for the values of those variables that have the name of a secret."""
    hide(value for name, value in variables.items() if is_named_secret(name))


def is_named_secret(name: str) -> bool:
    """Whether what has this name is a secret."""
    return _SECRET_NAME.fullmatch(name) is not None


def without_secrets(text: str) -> str:
    """Text in which no long token is left but ordinary words and numbers, and nothing that says or is known to be
    secret."""
    if not text or (len(text) < _SHORTEST_KNOWN and text.isalnum()):  # as most names in a large recipe are
        return text
    for pattern in _known.values():
        text = pattern.sub(HIDDEN, text)
    small = text.lower()
    for sign in _IN_TEXT:
        # Outside ASCII there are letters that are the same to a pattern and not in small letters.
        if not small.isascii() or all(any(word in small for word in words) for words in sign.words):
            text = re.sub(sign.pattern, sign.instead, text)
    if "://" in text:
        text = _ADDRESS.sub(lambda address: _QUERY.sub(rf"\1{HIDDEN}", address[0]), text)
    return _TOKEN.sub(lambda token: token[0] if _is_ordinary(token[0]) else HIDDEN, text)


def _is_ordinary(token: str) -> bool:
    """Whether a token is words, numbers, and short parts of the two together; of a key one part at least is not."""
    parts = _PART.findall(token)
    mixed = [part for part in parts if len(part) > 3 and _MIXED.fullmatch(part) and not _TIME.fullmatch(part)]
    if len(mixed) > 1 or any(len(_CHANGES.findall(part)) > _MOST_CHANGES for part in mixed if not _HEX.fullmatch(part)):
        return False
    return all(len(part) <= _SHORT or _is_word_or_number(part) for part in parts)


def _is_word_or_number(part: str) -> bool:
    found = _ORDINARY.fullmatch(part)
    if found is None or found["word"] is None:
        return found is not None
    if len(set(part)) < _FEW:
        return True
    humps = _HUMP.findall(found["word"])
    return len(part) >= 3 * len(humps) and not any(_UNSPEAKABLE.search(hump) for hump in humps if not hump.isupper())


def silent(value: Any, name: str = "") -> Any:
    """A value of JSON in which no text is left that looks like a secret, or that stands under the name of one."""
    match value:
        case str():
            return HIDDEN if value and is_named_secret(name) else without_secrets(value)
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
    if not (isinstance(option, str) and isinstance(value, str) and option.startswith("-")):
        return False
    if not re.fullmatch(_OPTION, option):
        return False
    return bool(value) and value[0] not in "{$-"
