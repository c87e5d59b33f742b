"""What may be spent, and how much of it is: a pure check, the same in a process, in the driver and in the proxy."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Protocol

import msgspec

from taximeter import numbers

NEAR = 0.8
"""Share of a limit from which a person is warned."""

OnUnpriced = Literal["warn", "stop"]


class Spent(Protocol):
    """What a budget looks at; `Totals` has it."""

    @property
    def calls(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cost(self) -> Decimal | None: ...
    @property
    def unpriced_calls(self) -> int: ...
    @property
    def partial_calls(self) -> int: ...
    @property
    def missing_usage_calls(self) -> int: ...


class Use(msgspec.Struct, frozen=True):
    """How much of one limit is used."""

    figure: Literal["cost", "tokens", "calls", "wall", "unpriced"]
    used: Decimal | float
    limit: Decimal | float

    @property
    def share(self) -> float:
        """1 is all of it."""
        return float(Decimal(self.used) / Decimal(self.limit)) if self.limit else 1.0 + float(self.used)

    def words(self, currency: str = "USD") -> str:
        """`$4.10 of $5.00 (82 %)`."""
        if self.figure == "unpriced":
            return f"{numbers.plural(int(self.used), 'call')} without a full price"
        used, limit = (_words(self.figure, value, currency) for value in (self.used, self.limit))
        return f"{used} of {limit} ({numbers.percent(float(self.used), float(self.limit))})"


class Budget(msgspec.Struct, frozen=True, omit_defaults=True):
    """Limits on what may be spent; None is none. Each is more than 0."""

    cost: Decimal | None = None
    """In the currency of the price sheet."""

    tokens: int | None = None
    """Input and output together."""

    calls: int | None = None
    wall: float | None = None
    """Seconds."""

    on_unpriced: OnUnpriced = "warn"
    """Whether a call without a full price ends it, where there is a limit on the cost."""

    def uses(self, spent: Spent, wall_seconds: float = 0.0) -> tuple[Use, ...]:
        """How much of each limit is used, the most used one first."""
        found = [
            Use("cost", spent.cost or Decimal(0), self.cost) if self.cost is not None else None,
            Use("tokens", spent.input_tokens + spent.output_tokens, self.tokens) if self.tokens is not None else None,
            Use("calls", spent.calls, self.calls) if self.calls is not None else None,
            Use("wall", wall_seconds, self.wall) if self.wall is not None else None,
        ]
        without = spent.unpriced_calls + spent.partial_calls + spent.missing_usage_calls
        if self.cost is not None and self.on_unpriced == "stop" and without:
            found.append(Use("unpriced", without, 0))
        return tuple(sorted(filter(None, found), key=lambda use: -use.share))

    def check(self, spent: Spent, wall_seconds: float = 0.0) -> Use | None:
        """The limit that is used up, if one is: at 100 % nothing more may be spent."""
        return next((use for use in self.uses(spent, wall_seconds) if use.share >= 1), None)

    def warns(self, spent: Spent, wall_seconds: float = 0.0) -> Use | None:
        """The most used limit, if a person should hear of it."""
        return next((use for use in self.uses(spent, wall_seconds) if use.share >= NEAR), None)

    def left(self, spent: Spent) -> Budget:
        """What may still be spent; the wall clock is left to whoever started it. Nothing left is a limit of 0."""
        cost = None if self.cost is None else max(self.cost - (spent.cost or 0), Decimal(0))
        used = spent.input_tokens + spent.output_tokens
        tokens = None if self.tokens is None else max(self.tokens - used, 0)
        calls = None if self.calls is None else max(self.calls - spent.calls, 0)
        return Budget(cost, tokens, calls, None, self.on_unpriced)

    def under(self, above: Budget) -> Budget:
        """This one with the limits that another one sets in their place."""
        fields = {name: getattr(above, name) for name in self.__struct_fields__}
        said = {name: value for name, value in fields.items() if value not in (None, "warn")}
        return msgspec.structs.replace(self, **said)

    def and_also(self, other: Budget) -> Budget:
        """The stricter of both in each limit."""
        limits = {
            name: _least(getattr(self, name), getattr(other, name)) for name in ("cost", "tokens", "calls", "wall")
        }
        strict = "stop" in (self.on_unpriced, other.on_unpriced)
        return Budget(**limits, on_unpriced="stop" if strict else "warn")

    def __bool__(self) -> bool:
        return (self.cost, self.tokens, self.calls, self.wall) != (None, None, None, None)

    def __str__(self) -> str:
        """As `parse_budget` reads it."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        told = {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in fields.items()}
        return ",".join(f"{name}={value}" for name, value in told.items() if value is not None)


NO_BUDGET = Budget()
"""Everything may be spent."""


def parse_budget(text: str) -> Budget:
    """A budget from `5.00` (money) or `cost=5.00,tokens=1000000,calls=500,wall=1800,on_unpriced=stop`.

    ValueError that says what is wrong.
    """
    fields: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            name, value = "cost", name
        if name not in Budget.__struct_fields__ or name in fields:
            raise ValueError(f"{part.strip()!r} is no limit: write cost=5.00,tokens=1000000,calls=500,wall=1800")
        fields[name] = _value(name, value.strip())
    budget = Budget(**fields)
    if not budget:
        raise ValueError("it has no limit: give cost, tokens, calls or wall")
    return budget


def _value(name: str, text: str) -> Any:
    if name == "on_unpriced":
        if text not in ("warn", "stop"):
            raise ValueError(f"on_unpriced is warn or stop, not {text!r}")
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0 or (name in ("tokens", "calls") and value != int(value)):
        raise ValueError(f"{name}={text} is not an amount")
    return value if name == "cost" else float(value) if name == "wall" else int(value)


def _least(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else min(a, b)


def _words(figure: str, value: Decimal | float, currency: str) -> str:
    if figure == "cost":
        return numbers.money(Decimal(value), currency)
    return numbers.seconds(float(value)) if figure == "wall" else numbers.count(int(value))
