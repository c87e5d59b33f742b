"""Templates of commands: their placeholders, what is wrong with them, and the argument vector made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from taximeter.recipe import shell
from taximeter.recipe.plan import PlannedShard, PlannedStage
from taximeter.yamldoc import show
from taximeter.yamldoc.words import nearest_or_all


class CommandValues(msgspec.Struct, frozen=True):
    """What is known only when a stage starts."""

    python: str
    """The driver's interpreter."""

    inputs: dict[str, str]
    """Paths of what the stage reads, by the name of the input."""

    input: dict[str, str]
    """Paths of what the pipeline reads, by name."""

    out: str
    """Path of the artifact."""

    stage_dir: str
    run_dir: str
    run_id: str
    state_file: str
    progress_file: str


CALL = "{call}"
"""JSON of the arguments of a function. Only the planner writes it: it is no placeholder of an authored command."""

_SINGLE = ("python", "out", "stage_dir", "run_dir", "run_id", "state_file", "progress_file")
_NAMED = ("inputs", "input", "params")
_OF_SHARD = ("index", "count")
_WORD = rf"(?:{'|'.join(_SINGLE)})|shard\.(?:{'|'.join(_OF_SHARD)})|(?:{'|'.join(_NAMED)})\.[^\W\d][\w.-]*"
_KNOWN = re.compile(_WORD)
_IN_ARGUMENT = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_IN_SCRIPT = re.compile(rf"(?<!\$)\{{({_WORD})\}}")  # ${out} is a variable of the shell
_LIKE_OURS = re.compile(r"(?<!\$)\{([\w.-]+)\}")
_ALMOST = 0.8  # near enough for `{outt}`, and far enough for awk's `{print}`


class Fault(msgspec.Struct, frozen=True):
    """Something in a template that cannot be filled in."""

    text: str
    """The piece of the template."""

    message: str
    hint: str | None


def escape(text: str) -> str:
    """Text as it stands in an argument's template."""
    return text.replace("{", "{{").replace("}", "}}")


def with_interpreter(arguments: Sequence[str]) -> tuple[str, ...]:
    """The templates of arguments; the program `python` is the driver's interpreter, not any that PATH has."""
    return ("{python}", *arguments[1:]) if arguments[0] == "python" else tuple(arguments)


def faults(arguments: Sequence[str]) -> Iterator[tuple[int, Fault]]:
    """What is wrong with templates of arguments, by index."""
    if not arguments[0].strip():
        yield 0, Fault("", "the command does not begin with a program", "write it first, as in [python, script.py]")
    for index, argument in enumerate(arguments):
        for fault in _argument_faults(argument):
            yield index, fault


def _argument_faults(argument: str) -> Iterator[Fault]:
    for match in _IN_ARGUMENT.finditer(argument):
        text, word = match[0], match[1]
        if text in ("{{", "}}") or (word and _KNOWN.fullmatch(word)):
            continue
        if word and re.fullmatch(r"[\w.-]+", word):
            yield Fault(text, f"unknown placeholder {show(text)}", _nearest(word))
        else:
            yield Fault(text, f"{show(text)} is not a placeholder", "write `{{` and `}}` for braces")


def script_faults(script: str) -> Iterator[Fault]:
    """What is almost a placeholder in a script. Any other brace that is not ours is the shell's."""
    from difflib import get_close_matches  # most scripts have no brace but ours

    for match in _LIKE_OURS.finditer(script):
        if _KNOWN.fullmatch(match[1]):
            continue
        kind, dot, name = match[1].partition(".")
        kinds = (*_NAMED, "shard") if dot else (*_SINGLE, *_NAMED, "shard")
        if near := get_close_matches(kind, kinds, n=1, cutoff=_ALMOST):
            known = near[0] if near[0] in _SINGLE else f"{near[0]}.{_named(near[0], name)}"
            itself = match[0].replace("{", "{''")
            hint = f"did you mean {show(f'{{{known}}}')}? for the text itself write {show(itself)}"
            yield Fault(match[0], f"unknown placeholder {show(match[0])}", hint)


def _named(kind: str, name: str) -> str:
    """What a placeholder of that kind may name, as near as can be to what it does."""
    if kind != "shard":
        return name or "NAME"
    from difflib import get_close_matches

    return get_close_matches(name, _OF_SHARD, n=1, cutoff=0.0)[0]


def placeholders(command: tuple[str, ...] | str) -> Iterator[tuple[str, str]]:
    """(`inputs`, `input`, `params` or `shard`; name) of each placeholder that has a name."""
    arguments, pattern = ([command], _IN_SCRIPT) if isinstance(command, str) else (command, _IN_ARGUMENT)
    for argument in arguments:
        for match in pattern.finditer(argument):
            if match[1] and _KNOWN.fullmatch(match[1]) and "." in match[1]:
                kind, _, name = match[1].partition(".")
                yield kind, name


def render(stage: PlannedStage, values: CommandValues) -> list[str]:
    """The argument vector of a planned stage."""

    def value(word: str) -> str:
        return _value(word, stage, values)

    if isinstance(stage.command, str):
        return ["/bin/sh", "-c", shell.fill(stage.command, _IN_SCRIPT, value)]
    return [_IN_ARGUMENT.sub(lambda m: value(m[1]) if m[1] else m[0][0], argument) for argument in stage.command]


def _value(word: str, stage: PlannedStage, values: CommandValues) -> str:
    kind, _, name = word.partition(".")
    match kind:
        case "inputs":
            return values.inputs[name]
        case "input":
            return values.input[name]
        case "params":
            return _text(stage.params.get(name))
        case "shard":
            assert isinstance(stage, PlannedShard)  # the planner says so
            return str(stage.number if name == "index" else stage.count)
        case "call":
            params = {name: value for name, value in stage.params.items() if value is not None}
            return _json({"inputs": values.inputs, "out": values.out, "params": params})
        case _:
            return str(getattr(values, kind))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _nearest(word: str) -> str | None:
    _, dot, name = word.partition(".")
    named = [*(f"{kind}.{name or 'NAME'}" for kind in _NAMED), *(f"shard.{name}" for name in _OF_SHARD)]
    return nearest_or_all(f"{{{word}}}", [f"{{{known}}}" for known in (named if dot else [*_SINGLE, *named])])
