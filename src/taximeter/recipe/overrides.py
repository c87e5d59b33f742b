"""`--set stage.param=value`: a parameter from the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.lookup import is_utf_8
from taximeter.yamldoc import KeyPath, Value, parse, scalar, show
from taximeter.yamldoc.authored import NAME_HINT, NAME_PATTERN
from taximeter.yamldoc.words import nearest_or_all


class Override(msgspec.Struct, frozen=True):
    """One parameter of one stage."""

    text: str
    """As the person wrote it."""

    stage: str
    """Id of the stage."""

    param: str
    value: Value

    def problem(self, message: str, _inside: KeyPath = (), hint: str | None = None) -> Problem:
        """A problem with this option."""
        return _problem(self.text, message, hint)


def read_override(text: str, ids: Iterable[str]) -> Override:
    """The parameter that is set; of the stage ids that fit, the longest. SetupError if it cannot be understood."""
    if not is_utf_8(text):
        raise SetupError(_problem(ascii(text)[1:-1], "this is not UTF-8", None))
    stage = max((name for name in ids if text.startswith(f"{name}.")), key=len, default=None)
    if stage is None:
        target = text.partition("=")[0].rpartition(".")[0]
        if not target:
            raise SetupError(_problem(text, "this does not say what to set", "write `--set stage.param=value`"))
        raise SetupError(_problem(text, f"there is no stage {show(target)}", nearest_or_all(target, ids)))
    param, sign, value = text.removeprefix(f"{stage}.").partition("=")
    if not sign:
        raise SetupError(_problem(text, "this does not say what to set", "write `--set stage.param=value`"))
    if not re.fullmatch(NAME_PATTERN, param):
        raise SetupError(_problem(text, f"{show(param)} cannot be a name", NAME_HINT))
    try:
        return Override(text, stage, param, _value(value.strip()))
    except SetupError as error:
        raise SetupError(*(_problem(text, problem.message, problem.hint) for problem in error.problems)) from None


def _value(text: str) -> Value:
    """YAML if it begins like a list, a map or a quoted text; else a scalar, so that a text needs no quotes."""
    return parse(text, "--set").data if text[:1] in tuple("[{\"'") else scalar(text)


def _problem(text: str, message: str, hint: str | None) -> Problem:
    return Problem(message, hint, key=f"--set {text}")
