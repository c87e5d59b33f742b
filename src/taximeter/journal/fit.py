"""The slow path of an event that cannot be written as it is: what is strange is made plain, what is huge is cut."""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from taximeter.usage import MAX_TOKENS

_DEEPEST = 32
_LONGEST_TEXT = 1_000
_LARGEST_MAP = 16 << 10
_encode = msgspec.json.Encoder().encode
S = TypeVar("S", bound=msgspec.Struct)


def fit(event: S) -> S:
    """A copy that JSON can hold: figures that cannot be true are absent, strange values of `meta` are described."""
    return _struct(event)


def without_payload(event: S, line: bytes) -> S:
    """A copy with its figures only: of a payload that made this line, size and sha256 stay in `meta`.

    What remains is bounded, whatever the event held: texts have 1,000 characters, an open map is left out if it
    takes more than 16 KiB.
    """
    payload = {"payload": {"bytes": len(line), "sha256": hashlib.sha256(line).hexdigest()}}
    small = fit(msgspec.structs.replace(event, meta=payload))
    changes: dict[str, Any] = {}
    for name in small.__struct_fields__:
        value = getattr(small, name)
        if isinstance(value, str):
            changes[name] = value[:_LONGEST_TEXT]
        elif isinstance(value, dict) and len(_encode(value)) > _LARGEST_MAP:
            changes[name] = None
    return msgspec.structs.replace(small, **changes)


def _struct(record: S) -> S:
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    return msgspec.structs.replace(record, **{name: _field(name, value) for name, value in fields.items()})


def _field(name: str, value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _struct(value)
    if isinstance(value, dict) and name != "meta":
        figures = {_key(key): _figure(part) for key, part in value.items()}
        return {key: figure for key, figure in figures.items() if figure is not None}
    return _figure(value)


def _figure(value: Any) -> Any:
    """A count that cannot be true is absent, never replaced by something else."""
    return None if isinstance(value, int) and abs(value) > MAX_TOKENS else _plain(value, 0)


def _plain(value: Any, depth: int) -> Any:
    """A value of the program's own as JSON can hold it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return value if abs(value) <= MAX_TOKENS else f"<an integer of {value.bit_length()} bits>"
    if isinstance(value, float | Decimal):
        return value if math.isfinite(value) else None
    if depth >= _DEEPEST:
        return f"<{type(value).__name__}, nested too deeply>"
    if isinstance(value, dict):
        return {_key(key): _plain(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = (_plain(part, depth + 1) for part in value)
        return tuple(parts) if isinstance(value, tuple) else list(parts)
    return _other(value)


def _other(value: Any) -> Any:
    """A date, a dataclass, an enum as msgspec writes them; of anything else the type, since a repr may do anything."""
    try:
        _encode(value)
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__name__}>"
    return value


def _key(key: Any) -> str:
    return _text(key) if isinstance(key, str) else str(_plain(key, _DEEPEST))


def _text(text: str) -> str:
    """The text with lone surrogates as escapes; never by a method that a subclass may have replaced."""
    return str.encode(text, "utf-8", "backslashreplace").decode()
