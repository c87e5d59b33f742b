"""A table for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from taximeter.report.table import Table

if TYPE_CHECKING:
    from rich.text import Text

STATUS_STYLES = {
    "pending": "dim",
    "running": "cyan",
    "done": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "skipped": "dim",
    "reused": "blue",
    "lost": "bold magenta",
    "over_budget": "bold yellow",
}
_GAP = 2
"""Blanks between columns."""

_BETWEEN = " " * _GAP
_SIGNS = dict.fromkeys(map(ord, "·•…€£"), " ")
"""Signs of ours that are as wide as a letter."""


def grid(cells: Table, width: int) -> Text:
    """A table of as many columns as fit; digits are never cut, and nothing in a cell is interpreted.

    Rich has tables, too: theirs would take longer to draw than many a stage takes to run.
    """
    from rich.text import Text  # most of rich comes with it, and what is no terminal does not need it

    kept, titles, rule, rows = _laid_out(cells, width)
    made = Text(no_wrap=True, overflow="crop")
    made.append(_BETWEEN.join(titles), "bold").append(f"\n{rule}")
    for number, row in enumerate(rows):
        made.append("\n")
        for place, (i, cell) in enumerate(zip(kept, row, strict=True)):
            made.append(f"{_BETWEEN if place else ''}{cell}", _style(cells.cells[i][number], cells.titles[i]))
    return made


def plain_grid(cells: Table, width: int) -> str:
    """The same for what is no terminal, without colours: ten times as fast for thousands of rows."""
    _, titles, rule, rows = _laid_out(cells, width)
    return "\n".join([_BETWEEN.join(titles), rule, *map(_BETWEEN.join, rows)])


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, broken between words where it can be."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cells_of(longer) <= width:
            line = longer
            continue
        lines += [line] if line else []
        from rich.cells import chop_cells

        *whole, line = chop_cells(word, width) or [""]
        lines += whole
    return [*lines, line]


def _laid_out(cells: Table, width: int) -> tuple[list[int], list[str], str, Iterable[tuple[str, ...]]]:
    """The columns that fit, their titles, the line below these, and the rows; each text as wide as its column."""
    widths = [max(map(cells_of, (title, *texts))) for title, texts in zip(cells.titles, cells.cells, strict=True)]
    least = [min(full, least or full) for full, least in zip(widths, cells.narrowest, strict=True)]
    kept = list(range(len(widths)))
    while len(kept) > 1 and sum(least[i] + _GAP for i in kept) - _GAP > width:
        kept.remove(min(kept, key=lambda i: cells.importance[i]))
    spare = max(width + _GAP - sum(least[i] + _GAP for i in kept), 0)
    widths = [min(full, narrow + spare) for full, narrow in zip(widths, least, strict=True)]
    titles = [_set(cells.titles[i], widths[i], cells.right[i]) for i in kept]
    columns = ([_set(text, widths[i], cells.right[i]) for text in cells.cells[i]] for i in kept)
    return kept, titles, "─" * min(sum(widths[i] + _GAP for i in kept) - _GAP, width), zip(*columns, strict=True)


def _set(text: str, width: int, right: bool) -> str:
    """A text in its column."""
    short = text if cells_of(text) <= width else _cut(text, width)
    blanks = " " * (width - cells_of(short))
    return blanks + short if right else short + blanks


def _cut(text: str, width: int) -> str:
    from rich.cells import set_cell_size

    return f"{set_cell_size(text, width - 1)}…"


def cells_of(text: str) -> int:
    """How wide a text is in a terminal."""
    if text.isascii() or text.translate(_SIGNS).isascii():
        return len(text)
    from rich.cells import cell_len  # the tables of all scripts, which most reports do not need

    return cell_len(text)


def _style(text: str, title: str) -> str:
    return STATUS_STYLES.get(text.partition(" ")[0], "") if title == "status" else ""
