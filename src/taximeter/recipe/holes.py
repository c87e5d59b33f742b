"""Places of an authored file that could not be used."""

from __future__ import annotations

import re
from collections.abc import Iterable

from taximeter.errors import Problem
from taximeter.yamldoc import KeyPath
from taximeter.yamldoc.document import key_text

_ENDS = re.compile(r"(?=[.\[]|$)")
"""Where a prefix of a key path can end in its text."""


class Holes:
    """Places of which nobody knows what its author meant: nothing can be concluded from them."""

    def __init__(self, paths: Iterable[KeyPath] = ()) -> None:
        self._paths = frozenset(paths)
        self._above = {path[:length] for path in self._paths for length in range(len(path))}
        self._texts = {key_text(path) for path in self._paths}

    def __contains__(self, path: KeyPath) -> bool:
        """Whether exactly this place is one."""
        return path in self._paths

    def touch(self, path: KeyPath) -> bool:
        """Whether the place is one, is inside one, or has one inside."""
        return path in self._above or any(path[:length] in self._paths for length in range(len(path) + 1))

    def explains(self, problem: Problem) -> bool:
        """Whether a problem is only about what was put into one."""
        key = problem.key or ""
        return bool(self._paths) and any(key[: end.start()] in self._texts for end in _ENDS.finditer(key))
