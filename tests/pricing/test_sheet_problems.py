# ruff: noqa: E501 (the messages stand here as people see them)
"""What can be wrong with a price sheet, and the page of problems that comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter.errors import SetupError
from taximeter.pricing.load import load_sheet

SHEETS = {
    "not a sheet": (
        """
models: 3
model: {}
""",
        [
            "p.yaml:1:1: `models` must be a map or a list, not the number 3",
            "p.yaml:2:1: unknown key `model` [did you mean `models`?]",
        ],
    ),
    "cards": (
        """
models:
  a: {prompt_per_1k: x, completion_per_1k: -1}
  b: {free: true, prompt_per_1k: 1}
  c: {}
  d: {prompt_per_1k: 1, output: 2, per: 1M}
  e: {input: 1, output: 2}
  f: {prompt_per_1k: '0.1', promt_per_1k: 3}
  g: 3
""",
        [
            "p.yaml:2:7: `prompt_per_1k` must be a number, not the text `x`",
            "p.yaml:2:25: `completion_per_1k` must be at least 0, not -1",
            "p.yaml:3:3: a model that is free has no rates [keep one of the two]",
            "p.yaml:4:3: there is no rate here [give it `input` and `output` with `per: 1M`, `prompt_per_1k` and `completion_per_1k`, or `free: true`]",
            "p.yaml:5:3: these rates mix the simple and the full form [write `prompt_per_1k` and `output` in the same way]",
            "p.yaml:6:3: how many tokens these rates buy is not said [add `per: 1M`, `per: 1k` or `per: 1`]",
            "p.yaml:7:7: `prompt_per_1k` must be a number, not the text `0.1` [write 0.1 without quotes]",
            "p.yaml:7:29: unknown key `promt_per_1k` [did you mean `prompt_per_1k`?]",
            "p.yaml:8:3: `g` must be a map, not the number 3",
        ],
    ),
    "numbers": (
        """
models:
  a: {prompt_per_1k: 1e10, completion_per_1k: 1e-13}
  b: {input: 1, output: true, per: 1K}
  c: {input: 1, per: 1M, counters: {web_searches: {price: 10, per: 1M}, images: ten}}
""",
        [
            "p.yaml:2:7: `prompt_per_1k` must be at most 1e+09, not 10000000000.0",
            "p.yaml:2:28: `completion_per_1k` must have at most 12 decimals",
            "p.yaml:3:17: `output` must be a number, not true",
            "p.yaml:3:31: `per` must be `1M`, `1k` or 1, not the text `1K`",
            "p.yaml:4:73: `images` must be a number, not the text `ten`",
        ],
    ),
    "entries": (
        """
models:
  - {input: 1, per: 1M}
  - {model: a, regex: '[', input: 1, per: 1M}
  - {model: b, input: 1, per: 1M, currency: euro, valid_from: 2026-2-1, cache_write: {5min: 3}}
""",
        [
            "p.yaml:2:5: no model is named here [give it one of `model`, `prefix`, `regex`, `fine_tuned`, `path`]",
            "p.yaml:4:35: `euro` is not a currency [write it like EUR]",
            "p.yaml:4:51: `2026-2-1` is not a day [write it like 2026-03-01 or 2026-03-01T12:00Z]",
            "p.yaml:4:87: `5min` is not a time to live [write it like 5m or 1h]",
        ],
    ),
    "patterns": (
        """
models:
  - {regex: '[', input: 1, per: 1M}
""",
        [
            "p.yaml:2:6: this is not a regular expression: unterminated character set at position 0",
        ],
    ),
    "dates": (
        """
models:
  - {model: a, input: 1, per: 1M, valid_from: 2026-02-30}
  - {model: b, input: 1, per: 1M, valid_from: 2026-03-01, valid_to: 2026-03-01}
layers:
  - {name: l, discount: 0.1, valid_to: 2026-13-01}
""",
        [
            "p.yaml:2:35: `2026-02-30` is not a day of the calendar",
            "p.yaml:3:59: this ends before it begins [`valid_to` is the first day without it]",
            "p.yaml:5:30: `2026-13-01` is not a day of the calendar",
        ],
    ),
    "currencies": (
        """
currency: EUR
models:
  - {model: a, input: 1, per: 1M, currency: USD}
""",
        [
            "p.yaml:3:35: this rate is in USD, the sheet in EUR [add `fx: {USD: {rate: ..., date: ...}}`: what one USD is worth]",
        ],
    ),
    "layers": (
        """
models:
  a: {free: true}
layers:
  - {name: none}
  - {name: two, discount: 0.1, markup: 0.1}
  - {name: all, discount: 2}
  - {discount: 0.1}
fx: {euro: {rate: 1, date: 2026-01-01}, EUR: {rate: 0, date: 3}}
""",
        [
            "p.yaml:4:5: a layer is a discount or a markup [give one of the two]",
            "p.yaml:5:5: a layer is a discount or a markup [give one of the two]",
            "p.yaml:6:17: `discount` must be at most 1, not 2",
            "p.yaml:7:5: `name` is missing",
            "p.yaml:8:6: `euro` is not a currency [write it like EUR]",
            "p.yaml:8:47: `rate` must be more than 0, not 0",
            "p.yaml:8:56: `date` must be text, not the number 3 [put it in quotes]",
        ],
    ),
    "unknown ways of counting": (
        """
models:
  - {model: c, input: 1, per: 1M, tiers: {threshold_on: input_tokens, mode: some, steps: []}}
""",
        [
            "p.yaml:2:71: `mode` must be `cliff` or `marginal`, not the text `some`",
            "p.yaml:2:83: `steps` must not be empty",
        ],
    ),
    "tiers": (
        """
models:
  - {model: a, input: 1, per: 1M, tiers: {threshold_on: input_toks, mode: cliff, steps: [{above: 5, input: 2}]}}
  - model: b
    input: 1
    output: 1
    per: 1M
    tiers:
      threshold_on: input_tokens
      mode: marginal
      steps: [{above: 5, input: 2}, {above: 5, input: 3}, {above: 6, output: 3, reasoning: 4}]
""",
        [
            "p.yaml:2:43: nothing is called `input_toks` [known: `input_tokens`, `output_tokens`, `total_tokens`, and counters that have a rate]",
            "p.yaml:10:7: there are two steps above 5",
            "p.yaml:10:7: a marginal tier on `input_tokens` cannot split `output_tokens` [use `mode: cliff`, or leave `output_tokens` out of the steps]",
            "p.yaml:10:7: `reasoning_output_tokens` has a rate above 6 and none below",
        ],
    ),
    "variants": (
        """
models:
  - model: a
    input: 1
    per: 1M
    tiers: {threshold_on: input_tokens, mode: cliff, steps: [{above: 5, input: 2}]}
    variants:
      - when: {processing: batch}
        input: 1
        tiers: {threshold_on: total_tokens, mode: cliff, steps: [{above: 5, input: 2}]}
""",
        [
            "p.yaml:2:5: the tiers of an entry and of its variants must count alike",
        ],
    ),
    "twin variants": (
        """
models:
  - model: a
    input: 1
    per: 1M
    variants:
      - {when: {service_tier: flex}, multiply: 0.5}
      - {when: {service_tier: Flex}, input: 1}
""",
        [
            "p.yaml:7:9: this variant is for the same kind of request as the one of line 6 [put the rates of both into one]",
        ],
    ),
    "kinds of requests": (
        """
models:
  - model: a
    input: 1
    per: 1M
    variants:
      - {when: {procesing: batch}, multiply: 0.5}
      - {when: {processing: sync, hours: 25:00-26:00}, multiply: -1}
      - {multiply: 0.5}
""",
        [
            "p.yaml:6:17: unknown key `procesing` [did you mean `processing`?]",
            "p.yaml:7:17: `processing` must be `batch`, not the text `sync`",
            "p.yaml:7:35: `25:00-26:00` is not a time of the day [write it like 16:30-00:30]",
            "p.yaml:7:56: `multiply` must be at least 0, not -1",
            "p.yaml:8:9: `when` is missing",
        ],
    ),
    "overlaps": (
        """
models:
  - {model: a, input: 1, per: 1M}
  - {model: 'a*', provider: p, input: 2, per: 1M, valid_from: 2026-01-01}
""",
        [
            "p.yaml:3:5: `p/a*@2026-01-01` and `a` of line 2 match the same model at the same time [let one end where the other begins (`valid_from`, `valid_to`), or narrow what they match]",
        ],
    ),
    "extends nothing": (
        """
extends: gone.yaml
models: {m: {free: true}}
""",
        [
            "p.yaml:1:1: there is no sheet `gone.yaml` [name a file beside this one, or genai-prices]",
        ],
    ),
    "extends in a circle": (
        """
extends: other.yaml
models: {m: {free: true}}
""",
        [
            "other.yaml:1:1: `p.yaml` extends this sheet in turn [leave one of the two `extends` out]",
        ],
    ),
    "extends another currency": (
        """
extends: euro.yaml
models: {m: {free: true}}
""",
        [
            "p.yaml:1:1: `euro.yaml` is in EUR, this sheet in USD [add `fx: {EUR: {rate: ..., date: ...}}`: what one EUR is worth]",
        ],
    ),
    "traps": (
        """
models: &m
  m: {prompt_per_1k: 010, completion_per_1k: no}
  m: *m
""",
        [
            "p.yaml:1:9: `&m` is an anchor, which is not allowed [leave it out; for text: put it in quotes]",
            "p.yaml:2:22: `010` is octal to some readers of YAML and decimal to others [write 10, or for text: '010']",
            "p.yaml:3:3: the key `m` is given again [it is first given on line 2; keep one]",
            "p.yaml:3:6: `*m` is an alias, which is not allowed [write out what it stands for; for text: put it in quotes]",
        ],
    ),
    "top": (
        """
version: 2
currency: dollar
on_unknown: ignore
extends: 3
""",
        [
            "p.yaml:1:1: `version` must be 1, not the number 2",
            "p.yaml:2:1: `dollar` is not a currency [write it like EUR]",
            "p.yaml:3:1: `on_unknown` must be `unpriced` or `error`, not the text `ignore`",
            "p.yaml:4:1: `extends` must be text, not the number 3 [put it in quotes]",
        ],
    ),
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_bad_price_sheet_gives_one_page_of_problems(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, problems = SHEETS[name]
    monkeypatch.chdir(tmp_path)
    Path("other.yaml").write_text("extends: p.yaml\nmodels: {m: {free: true}}\n")
    Path("euro.yaml").write_text("currency: EUR\nmodels: {m: {free: true}}\n")
    Path("p.yaml").write_text(text.removeprefix("\n"))
    with pytest.raises(SetupError) as caught:
        load_sheet(Path("p.yaml"))
    assert [f"{p.where}: {p.message}{f' [{p.hint}]' if p.hint else ''}" for p in caught.value.problems] == problems
