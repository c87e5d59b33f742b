"""Which entry of a sheet is for a call: asked once for each kind of call, then remembered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from math import inf
from typing import Any

import msgspec

from taximeter.pricing.charge import Charge
from taximeter.pricing.providers import canonical
from taximeter.pricing.sheet import ALWAYS, Entry, Provider, Sheet, Validity
from taximeter.pricing.terms import Kind, charge, moments

Key = tuple[Any, ...]
"""The fields of a `Kind`."""

_MOST_KINDS = 4096
"""More kinds of calls than any pipeline has; names come from outside, and memory has to stay bounded."""

_COMPACT_DATE = re.compile(r"-(20\d{2})(\d{2})(\d{2})(?=-|:|$)")


class Term(msgspec.Struct, frozen=True):
    """What is charged from a time on, up to the next term."""

    since: float
    """Seconds since the epoch."""

    second: float
    """Of the day (UTC), from which on it is charged."""

    charge: Charge | str
    """Or why there is none."""


class Found(msgspec.Struct, frozen=True):
    """An entry that is for a kind of call."""

    path: tuple[Sheet, ...]
    """From the sheet that was asked to the one in which the entry stands."""

    name: str
    """The name of the model by which it was found."""

    entry: Entry


def terms(sheet: Sheet, key: Key) -> tuple[Term, ...]:
    """What a kind of call is charged, from the first time to the last."""
    known = sheet.answers.get(key)
    if known is None:
        if len(sheet.answers) >= _MOST_KINDS:
            sheet.answers.clear()
        known = sheet.answers[key] = _terms(sheet, Kind(*key))
    return known


def find(sheet: Sheet, kind: Kind) -> list[Found]:
    """All entries for a kind of call, whenever they are valid: the sheet's own, then those of what it extends.

    A sheet is asked for the model that answered first, then for the one that was asked for.
    """
    kind = kind._replace(provider=kind.provider and canonical(kind.provider))
    names = dict.fromkeys(name.lower() for name in (kind.response_model, kind.model) if name)
    found: list[Found] = []
    path: tuple[Sheet, ...] = ()
    for level in sheet.chain():
        path = (*path, level)
        entries = _listed if level.providers else _meant
        for name in names:
            found += [Found(path, name, entry) for entry in entries(level, kind, name)]
        if any(f.entry.valid == ALWAYS for f in found):
            break
    return found


def _meant(level: Sheet, kind: Kind, name: str) -> Iterable[Entry]:
    """Entries of an authored sheet."""
    return (
        entry
        for entry in level.entries
        if (entry.provider is None or kind.provider is None or entry.provider == kind.provider)
        and (entry.region is None or entry.region == (kind.region or "").lower())
        and any(pattern.means(name) for pattern in entry.match)
    )


def _listed(level: Sheet, kind: Kind, name: str) -> Iterator[Entry]:
    """Entries of the first model of the provider that has the name; else of a provider whose models it offers."""
    provider, name = _provider(level, kind, name)
    if provider is None:
        return
    for spelling in (name, _with_dashes(name)):
        for owner in (provider.id, *provider.fallbacks):
            first = next((e for e in level.entries if e.provider == owner and _has(e, spelling)), None)
            if first is not None:
                same = (e for e in level.entries if e.name == first.name)
                # What a provider charges for special requests to another's models is not known.
                yield from same if owner == provider.id else (msgspec.structs.replace(e, variants=()) for e in same)
                return


def _has(entry: Entry, name: str) -> bool:
    return any(pattern.means(name) for pattern in entry.match)


def _provider(level: Sheet, kind: Kind, name: str) -> tuple[Provider | None, str]:
    """The provider that a call means, and the name of the model without the provider's in front."""
    if kind.provider in (None, "litellm"):
        front, _, rest = name.partition("/")
        if kind.provider and rest and (meant := _by_name(level, canonical(front))):
            return meant, rest
        return next((p for p in level.providers if p.models and p.models.means(name)), None), name
    return _by_name(level, kind.provider or ""), name


def _by_name(level: Sheet, name: str) -> Provider | None:
    same = (p for p in level.providers if p.id == name)
    return next(same, None) or next((p for p in level.providers if p.names and p.names.means(name)), None)


def _with_dashes(name: str) -> str:
    """`-20251211` as `-2025-12-11`: gateways write the dates of models without dashes."""
    return _COMPACT_DATE.sub(lambda m: f"-{m[1]}-{m[2]}-{m[3]}" if _is_date(m) else m[0], name)


def _is_date(match: re.Match[str]) -> bool:
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    return True


def _terms(sheet: Sheet, kind: Kind) -> tuple[Term, ...]:
    found = find(sheet, kind)
    certain = any(f.entry.valid == ALWAYS for f in found)
    levels = found[-1].path if certain else tuple(sheet.chain())
    valid = [f.entry.valid for f in found] + [layer.valid for level in levels for layer in level.layers]
    dates = _spans(bound for v in valid for bound in (v.start, v.end))
    seconds = sorted({0, *(moment for f in found for moment in moments(f.entry))})
    return tuple(
        Term(
            -inf if span.start is None else span.start,
            second,
            _charge(levels, kind, [f for f in found if f.entry.valid.holds(at)], at, second),
        )
        for span in dates
        for at in [_inside(span)]
        for second in seconds
    )


def _spans(bounds: Iterable[float | None]) -> list[Validity]:
    """The times between bounds; the first and the last are open."""
    edges = [None, *sorted({bound for bound in bounds if bound is not None}), None]
    return [Validity(start, end) for start, end in pairwise(edges)]


def _inside(span: Validity) -> float:
    return span.start if span.start is not None else span.end - 1 if span.end is not None else 0.0


def _charge(levels: tuple[Sheet, ...], kind: Kind, valid: Sequence[Found], at: float, second: float) -> Charge | str:
    if valid:
        first = valid[0]
        rivals = [f.entry for f in valid if f.path[-1] is first.path[-1] and f.name == first.name]
        if len(rivals) > 1:
            return f"{len(rivals)} entries match: {', '.join(entry.name for entry in rivals)}"
        return charge(first.entry, first.path, kind, at, second, "priced")
    for depth, level in enumerate(levels, 1):
        if level.default is not None:
            return charge(level.default, levels[:depth], kind, at, second, "estimated")
    return "no price"
