"""What is wrong with a price sheet that each of its blocks alone does not show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from taximeter.errors import Problem
from taximeter.pricing.match import both_mean
from taximeter.pricing.schema import CardBlock, EntryBlock, LayerBlock, PriceSheetBlock
from taximeter.pricing.sheet import Entry, Tiers, Validity
from taximeter.pricing.units import INPUT, OUTPUT, TOTAL, is_input
from taximeter.yamldoc import Document, KeyPath
from taximeter.yamldoc.document import show

THRESHOLDS = (INPUT, OUTPUT, TOTAL)


def lint(block: PriceSheetBlock, document: Document) -> Iterator[Problem]:
    """Problems of single cards, with their places."""
    for at, card in _cards(block):
        yield from _dates(card, document, at)
        yield from _variants(card, document, at)
        if isinstance(card, EntryBlock):
            yield from _regex(card, document, at)
        if card.currency is not None and card.currency not in (block.currency, *block.fx):
            hint = f"add `fx: {{{card.currency}: {{rate: ..., date: ...}}}}`: what one {card.currency} is worth"
            yield document.problem(
                f"this rate is in {card.currency}, the sheet in {block.currency}", (*at, "currency"), hint
            )
    for index, layer in enumerate(block.layers):
        yield from _dates(layer, document, ("layers", index))


def _cards(block: PriceSheetBlock) -> Iterator[tuple[KeyPath, CardBlock]]:
    named = block.models.items() if isinstance(block.models, dict) else enumerate(block.models)
    yield from ((("models", key), card) for key, card in named)
    if block.default is not None:
        yield ("default",), block.default


def _dates(card: CardBlock | LayerBlock, document: Document, at: KeyPath) -> Iterator[Problem]:
    for key in ("valid_from", "valid_to"):
        day = getattr(card, key)
        if day is not None and not _is_moment(day):
            yield document.problem(f"{show(day)} is not a day of the calendar", (*at, key))
            return
    if card.valid_from is not None and card.valid_to is not None and card.valid_from >= card.valid_to:
        yield document.problem(
            "this ends before it begins", (*at, "valid_to"), "`valid_to` is the first day without it"
        )


def _variants(card: CardBlock, document: Document, at: KeyPath) -> Iterator[Problem]:
    for second, variant in enumerate(card.variants):
        first = next(i for i, other in enumerate(card.variants) if other.when.kind == variant.when.kind)
        if first < second:
            line, _ = document.at((*at, "variants", first))
            message = f"this variant is for the same kind of request as the one of line {line}"
            yield document.problem(message, (*at, "variants", second), "put the rates of both into one")


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _regex(card: EntryBlock, document: Document, at: KeyPath) -> Iterator[Problem]:
    try:
        re.compile(card.regex or "")
    except re.error as error:
        yield document.problem(f"this is not a regular expression: {error}", (*at, "regex"))


def lint_compiled(entries: Sequence[Entry], places: Sequence[KeyPath], document: Document) -> Iterator[Problem]:
    """Problems of tiers, and entries that match the same model at the same time."""
    for entry, at in zip(entries, places, strict=True):
        sets = [(entry.tiers, entry.rates, at)]
        sets += [(v.tiers, v.rates, (*at, "variants", i)) for i, v in enumerate(entry.variants)]
        for tiers, rates, where in sets:
            if tiers is not None:
                yield from _tiers(tiers, rates, document, (*where, "tiers"))
        shapes = {(t.threshold_on, t.mode) for t, _, _ in sets if t is not None}
        if len(shapes) > 1:
            yield document.problem("the tiers of an entry and of its variants must count alike", at)
    for second, b in enumerate(entries):
        for first, a in enumerate(entries[:second]):
            if _clash(a, b):
                line, _ = document.at(places[first])
                yield document.problem(
                    f"{show(b.name)} and {show(a.name)} of line {line} match the same model at the same time",
                    places[second],
                    "let one end where the other begins (`valid_from`, `valid_to`), or narrow what they match",
                )


def _tiers(tiers: Tiers, rates: Mapping[str, object], document: Document, at: KeyPath) -> Iterator[Problem]:
    if tiers.threshold_on not in THRESHOLDS and tiers.threshold_on not in rates:
        hint = f"known: {', '.join(map(show, THRESHOLDS))}, and counters that have a rate"
        yield document.problem(f"nothing is called {show(tiers.threshold_on)}", (*at, "threshold_on"), hint)
    seen: set[int] = set()
    for step in tiers.steps:
        if step.above in seen:
            yield document.problem(f"there are two steps above {step.above}", (*at, "steps"))
        seen.add(step.above)
        for unit in step.rates:
            if unit not in rates:
                yield document.problem(f"{show(unit)} has a rate above {step.above} and none below", (*at, "steps"))
            elif tiers.mode == "marginal" and not _is_part(unit, tiers.threshold_on):
                hint = f"use `mode: cliff`, or leave {show(unit)} out of the steps"
                message = f"a marginal tier on {show(tiers.threshold_on)} cannot split {show(unit)}"
                yield document.problem(message, (*at, "steps"), hint)


def _is_part(unit: str, threshold_on: str) -> bool:
    if threshold_on == INPUT:
        return is_input(unit)
    return unit.endswith(OUTPUT) if threshold_on == OUTPUT else unit == threshold_on


def _clash(a: Entry, b: Entry) -> bool:
    return (
        (a.provider is None or b.provider is None or a.provider == b.provider)
        and (a.region is None or b.region is None or a.region == b.region)
        and _meet(a.valid, b.valid)
        and any(both_mean(x, y) for x in a.match for y in b.match)
    )


def _meet(a: Validity, b: Validity) -> bool:
    starts = [start for start in (a.start, b.start) if start is not None]
    ends = [end for end in (a.end, b.end) if end is not None]
    return not starts or not ends or max(starts) < min(ends)
