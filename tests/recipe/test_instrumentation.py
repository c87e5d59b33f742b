"""What is metered: recipe, file and flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter.recipe.instrumentation import merge_instrumentation
from taximeter.recipe.model import InstrumentationBlock as Block
from taximeter.recipe.plan import Instrumentation
from tests.recipes import page, plan, write

STAGES = "stages: [{stage: s, run: x}]\n"


def test_each_layer_overrides_only_the_keys_that_it_sets() -> None:
    recipe = Block(enabled=True, price_table="a.yaml", include_calls=3)
    assert merge_instrumentation(recipe) == Instrumentation(True, "a.yaml", 3)
    assert merge_instrumentation(recipe, Block(include_calls=True)) == Instrumentation(True, "a.yaml", True)
    assert merge_instrumentation(recipe, Block(price_table=None)) == Instrumentation(True, None, 3)
    assert merge_instrumentation(recipe, Block(enabled=False), Block(enabled=True)) == Instrumentation(
        True, "a.yaml", 3
    )
    assert merge_instrumentation(Block()) == Instrumentation(False, None, 50)


@pytest.mark.parametrize(("authored", "limit"), [(True, None), (False, 0), (0, 0), (7, 7)])
def test_the_number_of_listed_calls_can_be_all_or_none(authored: int | bool, limit: int | None) -> None:
    assert Instrumentation(include_calls=authored).call_limit == limit


@pytest.mark.parametrize(
    "text", ["enabled: true\n", "instrumentation: {enabled: true}\n", "x-a: 1\ninstrumentation:\n  enabled: true\n"]
)
def test_a_file_is_a_block_or_has_one(text: str) -> None:
    assert plan(STAGES, instrument_config=write("i.yaml", text)).instrumentation.enabled


def test_flags_win_over_the_file_and_the_file_over_the_recipe() -> None:
    text = "instrumentation: {enabled: true, include_calls: 1}\n" + STAGES
    file = write("i.yaml", "enabled: false\ninclude_calls: 2\n")
    assert plan(text, instrument_config=file).instrumentation == Instrumentation(False, None, 2)
    merged = plan(text, instrument_config=file, instrumentation=Block(enabled=True)).instrumentation
    assert merged == Instrumentation(True, None, 2)


def test_a_price_sheet_is_beside_the_file_that_names_it_then_in_the_working_directory() -> None:
    text = "instrumentation: {price_table: p.yaml}\n" + STAGES
    file = write("conf/i.yaml", "price_table: p.yaml\n")
    write("p.yaml")
    assert plan(text).instrumentation.price_table == "p.yaml"
    assert plan(text, instrument_config=file).instrumentation.price_table == "p.yaml"
    write("conf/p.yaml")
    assert plan(text, instrument_config=file).instrumentation.price_table == "conf/p.yaml"
    assert (
        plan(text, instrument_config=file, instrumentation=Block(price_table="p.yaml")).instrumentation.price_table
        == "p.yaml"
    )


def test_a_price_sheet_that_a_later_layer_replaces_need_not_exist() -> None:
    write("p.yaml")
    text = "instrumentation: {price_table: gone.yaml}\n" + STAGES
    assert plan(text, instrumentation=Block(price_table="p.yaml")).instrumentation.price_table == "p.yaml"


def test_a_missing_price_sheet_is_told_where_it_is_named() -> None:
    write("prices.yaml")
    text = "instrumentation: {enabled: true}\n" + STAGES
    file = write("i.yaml", "instrumentation:\n  price_table: price.yaml\n")
    assert page(text, instrument_config=file) == [
        "i.yaml:2:3: there is no price sheet `price.yaml` "
        "[it is looked up beside this file, then in the working directory]"
    ]
    assert page(text, instrumentation=Block(price_table="price.yaml")) == [
        "--price-table: there is no price sheet `price.yaml` [did you mean `prices.yaml`?]"
    ]


def test_problems_of_the_file_come_with_those_of_the_recipe() -> None:
    write("i.yaml", "instrumentation: {enable: true, capture: 1}\nenabled: true\n")
    write("j.yaml", "instrumentation: {enable: true, capture: 1}\n")
    assert page("nme: x\n" + STAGES, instrument_config=Path("i.yaml")) == [
        "r.yaml:1:1: unknown key `nme` [did you mean `name`?]",
        "i.yaml:1:1: unknown key `instrumentation` [known: `capture`, `enabled`, `include_calls`, `price_table`]",
    ]
    assert page(STAGES, instrument_config=Path("j.yaml")) == [
        "j.yaml:1:19: unknown key `enable` [did you mean `enabled`?]",
        "j.yaml:1:33: `capture` must be `auto`, `proxy` or `off`, not the number 1",
    ]
    assert page(STAGES, instrument_config=Path("gone.yaml")) == [
        "gone.yaml: there is no such file [it is looked up in the working directory]"
    ]
