"""The price sheet as everything but its author reads it: compiled, frozen, named by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.numbers import to_json
from taximeter.pricing.match import Pattern
from taximeter.rundir import read_file

if TYPE_CHECKING:
    from taximeter.pricing.lookup import Key, Term

Mode = Literal["cliff", "marginal"]
T = TypeVar("T")


class Rate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What `per` units cost, in the money of the sheet or of the entry."""

    price: Decimal
    per: int


Rates = dict[str, Rate]
"""Rates by unit: a token count by its name in `Usage`, a cache write by its time to live, or any counter."""


class Step(msgspec.Struct, frozen=True):
    """Rates beyond a threshold. What it does not name keeps the rate below."""

    above: int
    rates: Rates


class Tiers(msgspec.Struct, frozen=True):
    """Rates that depend on how much a request uses."""

    threshold_on: str
    """The count that is compared with the thresholds."""

    mode: Mode
    """`cliff`: beyond a threshold the whole request has the step's rates; `marginal`: only what is beyond has."""

    steps: tuple[Step, ...]
    """In rising order."""


class Variant(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rates of requests of a certain kind. What it does not name keeps the standard rate."""

    when: dict[str, str]
    """All of it must hold: `processing`, `service_tier`, `speed`, `inference_geo`, `region`, `hours` (UTC)."""

    multiply: Decimal | None = None
    """Factor on the rates of tokens, whatever they are; counters keep their price."""

    rates: Rates = {}
    tiers: Tiers | None = None


class Validity(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """From when, and up to when (exclusive), in seconds since the epoch; None is for ever."""

    start: float | None = None
    end: float | None = None

    def holds(self, at: float) -> bool:
        """Whether a moment is inside."""
        return (self.start is None or at >= self.start) and (self.end is None or at < self.end)


ALWAYS = Validity()


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rates of one model, or of those that a pattern means, for a time. An absent rate is not known, and not 0."""

    name: str
    match: tuple[Pattern, ...] = ()
    """Any of these names the model."""

    provider: str | None = None
    """None is any."""

    region: str | None = None
    """None is any."""

    valid: Validity = ALWAYS
    currency: str | None = None
    """Where it is not that of the sheet."""

    free: bool = False
    """Nothing is charged, and that is known."""

    rates: Rates = {}
    tiers: Tiers | None = None
    variants: tuple[Variant, ...] = ()
    source: str | None = None
    """Where the figures come from."""

    as_of: str | None = None
    """The day on which they were read there."""


class Layer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A discount or a markup on the rates of a sheet and of what it extends."""

    name: str
    multiply: Decimal
    match: tuple[Pattern, ...] = ()
    """Models that it is for; none is all."""

    provider: str | None = None
    valid: Validity = ALWAYS


class Exchange(msgspec.Struct, frozen=True):
    """What one unit of a foreign currency was worth on a day."""

    rate: Decimal
    date: str


class Provider(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the entries of a provider are found where a list has many of them, each with names of its own."""

    id: str
    names: Pattern | None = None
    """What else calls mean it by."""

    models: Pattern | None = None
    """Models by which it is known where a call names no provider."""

    fallbacks: tuple[str, ...] = ()
    """Providers whose standard rates hold for models that it does not list."""


class _Once(Generic[T]):
    """A property that is worked out when it is first looked at.

    That of functools has a lock before Python 3.12: a child that is forked while another thread looks waits forever.
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __get__(self, sheet: Any, _: type | None = None) -> T:
        value: T = sheet.__dict__.setdefault(self._work.__name__, self._work(sheet))
        return value


NO_SHEET = msgspec.Raw(b"null")


class Sheet(msgspec.Struct, frozen=True, dict=True, omit_defaults=True, tag="pricing_v2", tag_field="schema_version"):
    """Entries in one currency, and the sheet that knows what they do not."""

    name: str = "sheet"
    currency: str = "USD"
    updated_at: str | None = None
    on_unknown: Literal["unpriced", "error"] = "unpriced"
    fx: dict[str, Exchange] = {}
    entries: tuple[Entry, ...] = ()
    layers: tuple[Layer, ...] = ()
    default: Entry | None = None
    """Rates of a model that no entry means; what they price is an estimate."""

    providers: tuple[Provider, ...] = ()
    """Not empty in a list of prices of the world, where the first entry of the provider that matches counts."""

    extends: msgspec.Raw = NO_SHEET
    """The compiled sheet that is asked next; read when the first model is asked that is not listed here."""

    @_Once
    def base(self) -> Sheet | None:
        """The sheet that is asked next; SetupError if it is broken."""
        try:
            return _base.decode(self.extends)
        except (msgspec.DecodeError, RecursionError) as error:
            message = f"the prices that the run keeps in its snapshots cannot be read: {error}"
            raise SetupError(Problem(message, "start the run over with --force, or make a new one")) from None

    def chain(self) -> Iterator[Sheet]:
        """This sheet, and those that are asked one after the other."""
        level: Sheet | None = self
        while level is not None:
            yield level
            level = level.base

    @_Once
    def answers(self) -> dict[Key, tuple[Term, ...]]:
        """What was looked up in it."""
        return {}

    @_Once
    def encoded(self) -> bytes:
        """The compiled sheet, keys sorted: the same rates give the same bytes."""
        fields = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) != _DEFAULTS[name]}
        fields.pop("extends", None)
        plain = msgspec.to_builtins(fields, builtin_types=(Decimal,), order="deterministic")
        return to_json({"schema_version": "pricing_v2", **plain, "extends": self.extends})

    @_Once
    def sheet_id(self) -> str:
        """sha256 of the compiled sheet, in hex."""
        return hashlib.sha256(self.encoded).hexdigest()


_DEFAULTS = msgspec.structs.asdict(Sheet())
_sheets = msgspec.json.Decoder(Sheet)
_base: msgspec.json.Decoder[Sheet | None] = msgspec.json.Decoder(Sheet | None)


def read_sheet(path: Path) -> Sheet:
    """The compiled sheet of a run (`snapshots/pricing.json`)."""
    return decode_sheet(read_file(path))


def decode_sheet(encoded: bytes) -> Sheet:
    """A compiled sheet from its bytes, which it keeps: its id stays what it was."""
    sheet = _sheets.decode(encoded)
    sheet.__dict__["encoded"] = encoded
    return sheet
