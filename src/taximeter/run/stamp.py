"""Stamps put into a row as text, so that not a digit of what its program wrote is changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_INDENT = re.compile(rb"\s*\{(\n\s*)")


class Stamps:
    """What each row of an artifact gets that does not say it itself."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        encode = msgspec.json.encode
        self._members = {name: b"%b: %b" % (encode(name), encode(value)) for name, value in values.items()}

    def put(self, text: bytes, row: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        """A row that is a map, as JSON and as the value that it says: both with the stamps at the end."""
        missing = [name for name in self.values if name not in row]
        if not missing:
            return text, row
        end = text.rindex(b"}")
        inner = text[:end].rstrip()
        indent = _INDENT.match(inner)
        comma = b"," + indent[1] if indent else b", "
        added = comma.join([self._members[name] for name in missing])
        result = b"%b%b%b%b" % (inner, comma if row else b"", added, text[len(inner) :])
        return result, row | {name: self.values[name] for name in missing}
