"""How a name that a call gives is recognized. Upper and lower case are the same."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

Kind = Literal["equals", "starts_with", "ends_with", "contains", "glob", "regex", "any", "all"]


class Pattern(msgspec.Struct, frozen=True, array_like=True):
    """One way to mean names. Texts of all kinds but `regex` are in lower case."""

    kind: Kind
    text: str = ""
    parts: tuple[Pattern, ...] = ()
    """Of `any` and `all`."""

    def means(self, name: str) -> bool:
        """Whether it means a name, given in lower case."""
        match self.kind:
            case "equals":
                return name == self.text
            case "starts_with":
                return name.startswith(self.text)
            case "ends_with":
                return name.endswith(self.text)
            case "contains":
                return self.text in name
            case "glob":
                return _compiled(glob_regex(self.text)).fullmatch(name) is not None
            case "regex":
                return _compiled(self.text).search(name) is not None
            case "any":
                return any(part.means(name) for part in self.parts)
            case "all":
                return all(part.means(name) for part in self.parts)


@lru_cache(maxsize=1024)
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.IGNORECASE)


def glob_regex(text: str) -> str:
    """`*` is any text, `?` any character; nothing else is special."""
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)


def exact(name: str) -> Pattern:
    """Means one name."""
    return Pattern("equals", name.lower())


def glob(text: str) -> Pattern:
    """Means the name, or the names if there is a `*` or a `?` in it."""
    return Pattern("glob" if "*" in text or "?" in text else "equals", text.lower())


def fine_tuned(base: str) -> Pattern:
    """Means the fine-tuned models of a base model and of its dated versions: `ft:gpt-4o-mini-2024-07-18:org::id`."""
    return Pattern("regex", rf"^ft:{re.escape(base)}(-[0-9-]+)?(:|$)")


def path(text: str) -> Pattern:
    """Means the file of a model: a whole path, or its last parts; `*` stays within a part."""
    parts = "".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in text)
    return Pattern("regex", f"^{parts}$" if text.startswith("/") else f"(^|/){parts}$")


def both_mean(a: Pattern, b: Pattern) -> bool:
    """Whether some name is meant by both. Of two regular expressions nobody can say in general: then it is False."""
    if a.kind == "equals":
        return b.means(a.text)
    if b.kind == "equals":
        return a.means(b.text)
    if a.kind == "regex" or b.kind == "regex":
        return a == b
    return _globs_meet(_as_glob(a), _as_glob(b))


def _as_glob(pattern: Pattern) -> str:
    stars = {"starts_with": "{}*", "ends_with": "*{}", "contains": "*{}*"}
    return stars.get(pattern.kind, "{}").format(pattern.text)


def _globs_meet(a: str, b: str) -> bool:
    """Whether some text matches both globs."""
    seen = set()
    waiting = [(0, 0)]
    while waiting:
        i, j = waiting.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(a) and j == len(b):
            return True
        star_a, star_b = a[i : i + 1] == "*", b[j : j + 1] == "*"
        if star_a:
            waiting.append((i + 1, j))
        if star_b:
            waiting.append((i, j + 1))
        if i < len(a) and j < len(b):
            if star_a and not star_b:
                waiting.append((i, j + 1))
            elif star_b and not star_a:
                waiting.append((i + 1, j))
            elif not star_a and (a[i] == b[j] or "?" in (a[i], b[j])):
                waiting.append((i + 1, j + 1))
    return False
