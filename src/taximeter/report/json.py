"""The report as JSON, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from taximeter.numbers import to_json
from taximeter.report.records import RunInstrumentation, StageInstrumentation


def render(report: RunInstrumentation) -> str:
    """Indented JSON; money as plain numbers with all their digits."""
    return b"".join(parts(report)).decode()


def parts(report: RunInstrumentation) -> Iterator[bytes]:
    """The same in parts, a stage each: of many stages it is never whole in memory."""
    before = b"{"
    for name in report.__struct_fields__:
        yield b'%b\n  "%b": ' % (before, name.encode())
        if name == "stages" and report.stages:
            yield from _stages(report.stages)
        else:
            yield _indented(to_json(getattr(report, name)), 2)
        before = b","
    yield b"\n}\n"


def stage_json(stage: StageInstrumentation) -> bytes:
    """One stage on one line. One without calls has no money in it, and can be written as it is."""
    has_money = stage.llm_totals.calls or stage.llm_calls or stage.reused
    return to_json(stage) if has_money else msgspec.json.encode(stage)


def parse(text: str) -> RunInstrumentation:
    """A report that `render` wrote, with the very same money; msgspec.DecodeError if it is none."""
    return msgspec.json.decode(text, type=RunInstrumentation)


def _stages(stages: list[StageInstrumentation]) -> Iterator[bytes]:
    before = b"["
    for stage in stages:
        yield b"%b\n    %b" % (before, _indented(stage_json(stage), 4))
        before = b","
    yield b"\n  ]"


def _indented(line: bytes, blanks: int) -> bytes:
    """JSON as it stands so deep in another; no text in it has a line break of its own."""
    shown: Any = msgspec.json.format(line, indent=2)
    return bytes(shown).replace(b"\n", b"\n" + b" " * blanks)
