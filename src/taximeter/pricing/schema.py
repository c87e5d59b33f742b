"""The price sheet as its author writes it: the simple form (rates per 1,000 tokens by model) and the full one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from taximeter.pricing.units import CACHE_READ, CACHE_WRITE, INPUT, OUTPUT, REASONING, TOOL_USE
from taximeter.pricing.values import Currency, Day, Factor, Hours, Rate, Ttl
from taximeter.usage import MODALITIES
from taximeter.yamldoc.block import Block, Text

PER = {"1M": 1_000_000, "1k": 1_000, 1: 1}
Per = Literal["1M", "1k", 1]

PER_1K = {
    "prompt_per_1k": INPUT,
    "completion_per_1k": OUTPUT,
    "cache_read_per_1k": CACHE_READ,
    "cache_write_per_1k": CACHE_WRITE,
}
"""Units by their keys in the simple form."""

TOKENS = {
    "input": INPUT,
    "output": OUTPUT,
    "cache_read": CACHE_READ,
    "reasoning": REASONING,
    "tool_use": TOOL_USE,
    **{
        f"{modality}_{key}": f"{modality}_{unit}"
        for modality in MODALITIES
        for key, unit in (("input", INPUT), ("output", OUTPUT), ("cache_read", CACHE_READ))
    },
}
"""Units by their keys in the full form; beside them stands `cache_write`, for any time or by time."""


class CounterBlock(Block):
    """What is billed by the piece."""

    price: Rate
    per: Per = 1


class RatesBlock(Block):
    """Rates, in the sheet's currency. An absent rate is not known, and not 0."""

    input: Rate | None = None
    """Input tokens that no other rate is for."""

    output: Rate | None = None
    """Output tokens that no other rate is for."""

    cache_read: Rate | None = None
    """Input tokens answered from the provider's cache; without it they are charged as plain input, as an estimate."""

    cache_write: Rate | dict[Ttl, Rate] | None = None
    """Input tokens written to the provider's cache; by time to live, such as `{5m: 3.75, 1h: 6}`, or for any."""

    reasoning: Rate | None = None
    tool_use: Rate | None = None
    text_input: Rate | None = None
    text_output: Rate | None = None
    text_cache_read: Rate | None = None
    image_input: Rate | None = None
    image_output: Rate | None = None
    image_cache_read: Rate | None = None
    audio_input: Rate | None = None
    audio_output: Rate | None = None
    audio_cache_read: Rate | None = None
    video_input: Rate | None = None
    video_output: Rate | None = None
    video_cache_read: Rate | None = None
    counters: dict[Text, Rate | CounterBlock] = Field(default_factory=dict)
    """What is billed by the piece, by its name: `requests` (each call is one), `web_searches`, `images`, ..."""

    @property
    def token_keys(self) -> list[str]:
        """Keys of the rates of tokens that are given."""
        return [key for key in (*TOKENS, "cache_write") if getattr(self, key) is not None]


class StepBlock(RatesBlock):
    """Rates beyond a threshold."""

    above: Annotated[int, Field(ge=1)]


class TiersBlock(Block):
    """Rates that depend on how much a request uses."""

    threshold_on: Text
    """The count that is compared: `input_tokens` (all of them), `output_tokens`, `total_tokens`, or a counter."""

    mode: Literal["cliff", "marginal"]
    """`cliff`: beyond a threshold the whole request has the step's rates; `marginal`: only what is beyond has."""

    steps: Annotated[list[StepBlock], Field(min_length=1)]


class WhenBlock(Block):
    """The kind of request that a variant is for; all that is given must hold."""

    processing: Literal["batch"] | None = None
    service_tier: Text | None = None
    speed: Text | None = None
    inference_geo: Text | None = None
    region: Text | None = None
    hours: Hours | None = None
    """Time of the day in UTC, such as `16:30-00:30`."""

    @property
    def kind(self) -> dict[str, str]:
        """What is given, in small letters: values are compared so."""
        return {name: value.lower() for name, value in self.model_dump(exclude_none=True).items()}


class VariantBlock(RatesBlock):
    """Rates of requests of a certain kind; what it does not name keeps the standard rate."""

    when: WhenBlock
    multiply: Factor | None = None
    """Factor on the rates of tokens; counters keep their price."""

    tiers: TiersBlock | None = None


class CardBlock(RatesBlock):
    """Rates of one model: per 1,000 tokens with `prompt_per_1k` and its like, else per what `per` says."""

    model_config = ConfigDict(title="Rate card")

    prompt_per_1k: Rate | None = None
    completion_per_1k: Rate | None = None
    cache_read_per_1k: Rate | None = None
    """Input tokens answered from the provider's cache; without it they are charged as plain input, as an estimate."""

    cache_write_per_1k: Rate | None = None
    """Input tokens written to the provider's cache; without it they are charged as plain input, as an estimate."""

    per: Per | None = None
    """How many tokens the rates buy: 1M, 1k or 1."""

    tiers: TiersBlock | None = None
    variants: list[VariantBlock] = Field(default_factory=list)
    free: bool = False
    """Nothing is charged; stands in place of rates."""

    valid_from: Day | None = None
    valid_to: Day | None = None
    """The first day, or moment, at which it holds no more."""

    currency: Currency | None = None
    """Where it is not the sheet's; the sheet then says in `fx` what it is worth."""

    source: Text | None = None
    """Where the figures come from."""

    as_of: Text | None = None
    """The day on which they were read there."""

    @model_validator(mode="after")
    def _free_or_rates(self) -> CardBlock:
        simple = [key for key in PER_1K if getattr(self, key) is not None]
        tokens = self.token_keys
        if self.free and (simple or tokens or self.counters):
            raise PydanticCustomError("setup", "a model that is free has no rates", {"hint": "keep one of the two"})
        if not self.free and not (simple or tokens or self.counters):
            hint = (
                "give it `input` and `output` with `per: 1M`, `prompt_per_1k` and `completion_per_1k`, or `free: true`"
            )
            raise PydanticCustomError("setup", "there is no rate here", {"hint": hint})
        if simple and tokens:
            hint = f"write `{simple[0]}` and `{tokens[0]}` in the same way"
            raise PydanticCustomError("setup", "these rates mix the simple and the full form", {"hint": hint})
        if tokens and self.per is None:
            hint = "add `per: 1M`, `per: 1k` or `per: 1`"
            raise PydanticCustomError("setup", "how many tokens these rates buy is not said", {"hint": hint})
        return self


_NAMES = ("model", "prefix", "regex", "fine_tuned", "path")


class EntryBlock(CardBlock):
    """Rates of the models that it means, for a time."""

    model_config = ConfigDict(title="Price entry")

    provider: Text | None = None
    """Any, if it is not given."""

    model: Text | None = None
    """A name; with `*` and `?` a pattern of names."""

    prefix: Text | None = None
    """How the names begin."""

    regex: Text | None = None
    """A regular expression for the whole name."""

    fine_tuned: Text | None = None
    """The base model of fine-tuned ones (`ft:BASE:...`)."""

    path: Text | None = None
    """A model's file, as a local server names it: the whole path or its last parts; `*` stays within a part."""

    aliases: list[Text] = Field(default_factory=list)
    """More names that mean it, such as those of deployments."""

    region: Text | None = None
    """Only requests to this region."""

    @model_validator(mode="after")
    def _named(self) -> EntryBlock:
        if not self.aliases and all(getattr(self, key) is None for key in _NAMES):
            hint = f"give it one of {', '.join(f'`{key}`' for key in _NAMES)}"
            raise PydanticCustomError("setup", "no model is named here", {"hint": hint})
        return self


class LayerBlock(Block):
    """A discount or a markup on the rates of the sheet and of what it extends."""

    name: Text
    discount: Annotated[Factor, Field(le=1)] | None = None
    """Part that is taken off: 0.15 is 15 %."""

    markup: Factor | None = None
    """Part that is added: 0.05 is 5 %."""

    provider: Text | None = None
    model: Text | None = None
    """A name or a pattern; all models if it is not given."""

    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> LayerBlock:
        if (self.discount is None) == (self.markup is None):
            raise PydanticCustomError("setup", "a layer is a discount or a markup", {"hint": "give one of the two"})
        return self


class ExchangeBlock(Block):
    """What one unit of a foreign currency is worth in the sheet's."""

    rate: Annotated[Factor, Field(gt=0)]
    date: Text
    """The day of the rate."""


class PriceSheetBlock(Block):
    """Rates of models in one currency."""

    model_config = ConfigDict(title="Price sheet")

    version: Literal[1] = 1
    updated_at: Text | None = None
    """The day on which the sheet was last changed."""

    currency: Currency = "USD"
    fx: dict[Currency, ExchangeBlock] = Field(default_factory=dict)
    """Foreign currencies of entries and of what the sheet extends."""

    extends: Text | None = None
    """Where models are looked up that are not listed: `genai-prices`, or another sheet's file."""

    on_unknown: Literal["unpriced", "error"] = "unpriced"
    """`error`: a run with a model that has no price ends with exit code 4, `reprice` with 2."""

    models: dict[Text, CardBlock] | list[EntryBlock] = Field(default_factory=list)
    """Rate cards by the name of the model, or a list of entries that say what they match."""

    layers: list[LayerBlock] = Field(default_factory=list)
    default: CardBlock | None = None
    """Rates of a model that is not listed; what they price is an estimate."""
