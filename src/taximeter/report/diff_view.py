"""Two runs side by side, for a terminal of any width and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from taximeter import numbers
from taximeter.redact import brief, visible
from taximeter.report.baseline import against, differences, differences_columns
from taximeter.report.diff import Comparison, Figures, Pair
from taximeter.report.grid import grid
from taximeter.report.table import Column, table
from taximeter.report.wording import cost_text


def view(comparison: Comparison, width: int) -> RenderableType:
    """Figures of the runs, stages side by side, why the cost differs, what was changed, and what to know."""
    before, now = comparison.before, comparison.now
    currency = now.report.pricing.currency
    title = Text.assemble((visible(before.name), "bold"), "  →  ", (visible(now.name), "bold"))
    figures = differences(against(now.report, before.report))
    parts: list[RenderableType] = [title, Text(), grid(table(differences_columns(), figures), width), Text()]
    parts += [grid(table(_columns(currency), comparison.stages), width), Text()]
    if comparison.run.effects is not None:
        effects = comparison.run.effects
        parts.append(
            Text(
                f"Cost {_signed(effects.total, currency)} = usage {_signed(effects.usage, currency)}"
                f" + price {_signed(effects.price, currency)} + mix {_signed(effects.mix, currency)}"
            )
        )
    parts += [Text(f"• {change}") for change in comparison.changes] or [Text("• Nothing was changed.")]
    parts += [Text(f"• {visible(note)}") for note in comparison.notes]
    return Group(*parts)


def _columns(currency: str) -> list[Column[Pair]]:
    column = Column[Pair]

    def effect(name: str) -> Callable[[Pair], str]:
        return lambda p: numbers.UNKNOWN if p.effects is None else _signed(getattr(p.effects, name), currency)

    return [
        column("stage", _name, 100, right=False, narrowest=12),
        column("wall", lambda p: _both(p, lambda f: numbers.seconds(f.wall_seconds)), 95),
        column("", lambda p: _percent(p, lambda f: f.wall_seconds), 96),
        column("CPU", lambda p: _both(p, lambda f: numbers.seconds(f.cpu_seconds)), 20),
        column("memory", lambda p: _both(p, lambda f: numbers.size(f.peak_memory_bytes)), 15),
        column("calls", lambda p: _both(p, lambda f: numbers.count(f.calls)), 40),
        column("tokens in", lambda p: _both(p, lambda f: numbers.count(f.prompt_tokens)), 50),
        column("out", lambda p: _both(p, lambda f: numbers.count(f.completion_tokens)), 49),
        column("cost/1k items", lambda p: _both(p, lambda f: _per_1000(f, currency)), 10),
        column("cost", lambda p: _both(p, lambda f: cost_text(f.cost, f.cost_status, currency)), 98),
        column("", lambda p: _percent(p, lambda f: f.cost), 97),
        column("usage", effect("usage"), 60),
        column("price", effect("price"), 61),
        column("mix", effect("mix"), 59),
    ]


def _name(pair: Pair) -> str:
    name = "(outside stages)" if pair.stage_id is None else brief(pair.stage_id)
    return f"{name} (new)" if pair.before is None else f"{name} (gone)" if pair.now is None else name


def _both(pair: Pair, text: Callable[[Figures], str]) -> str:
    """The figure, or how it went from one to the other."""
    old, new = (numbers.UNKNOWN if side is None else text(side) for side in (pair.before, pair.now))
    return old if old == new else f"{old} → {new}"


def _percent(pair: Pair, figure: Callable[[Figures], float | Decimal | None]) -> str:
    old, new = (None if side is None else figure(side) for side in (pair.before, pair.now))
    if old is None or new is None:
        return numbers.UNKNOWN
    return f"{100 * (float(new) - float(old)) / float(old):+.0f} %" if old else numbers.UNKNOWN if new else "+0 %"


def _per_1000(figures: Figures, currency: str) -> str:
    return numbers.UNKNOWN if figures.per_1000_items is None else numbers.money(figures.per_1000_items.cost, currency)


def _signed(amount: Decimal, currency: str) -> str:
    return ("+" if amount > 0 else "") + numbers.money(amount, currency)


def record(comparison: Comparison) -> dict[str, Any]:
    """The same as JSON (`diff_v1`): every figure of both, its difference, and the effects."""
    return {
        "schema_version": "diff_v1",
        "before": comparison.before.name,
        "now": comparison.now.name,
        "currency": comparison.now.report.pricing.currency,
        "run": _pair(comparison.run),
        "stages": [{"id": pair.stage_id, **_pair(pair)} for pair in comparison.stages],
        "changes": [msgspec.to_builtins(change) for change in comparison.changes],
        "notes": list(comparison.notes),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    before, now = _plain(pair.before), _plain(pair.now)
    effects = None if pair.effects is None else msgspec.structs.asdict(pair.effects) | {"total": pair.effects.total}
    return {"before": before, "now": now, "difference": _difference(before or {}, now or {}), "cost_effects": effects}


def _plain(figures: Figures | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    per_1000 = figures.per_1000_items
    return msgspec.structs.asdict(figures) | {"per_1000_items": msgspec.structs.asdict(per_1000) if per_1000 else None}


def _difference(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Of each number that both know."""
    found: dict[str, Any] = {}
    for name in before.keys() & now.keys():
        old, new = before[name], now[name]
        if isinstance(old, dict) and isinstance(new, dict):
            found[name] = _difference(old, new)
        elif _is_number(old) and _is_number(new):
            found[name] = new - old
    return dict(sorted(found.items()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
