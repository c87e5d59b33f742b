"""A document laid over another."""

from taximeter.yamldoc import Overlaid, parse

BELOW = "a: {b: 1, c: {d: 2}}\nlist: [1, 2]\n"
ABOVE = "# over\na: {c: {e: 3, d: 4}}\nlist: [3]\nnew: {x: 1}\n"


def test_maps_are_merged_at_every_depth_and_all_else_is_replaced() -> None:
    both = Overlaid(parse(BELOW, "below"), parse(ABOVE, "above"))
    assert both.data == {"a": {"b": 1, "c": {"d": 4, "e": 3}}, "list": [3], "new": {"x": 1}}


def test_each_part_stands_in_the_file_that_says_it() -> None:
    both = Overlaid(parse(BELOW, "below"), parse(ABOVE, "above"))

    def where(*path: str | int) -> str:
        return both.problem("wrong", path).where

    assert where("a") == "below:1:1"
    assert where("a", "b") == "below:1:5"
    assert where("a", "c") == "below:1:11"
    assert where("a", "c", "d") == "above:2:15"
    assert where("a", "c", "e") == "above:2:9"
    assert where("list", 0) == "above:3:8"
    assert where("new", "x") == "above:4:7"
    assert where("nowhere") == "below:1:1"
    assert both.at(("new",)) == (4, 1)
    assert both.value_at(("a", "c", "d")) == (2, 18)
