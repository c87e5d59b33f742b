"""Who may send, and where it goes: each project has its tokens, and an output folder of its own."""

from __future__ import annotations

import hashlib
import hmac
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.rundir import safe_name
from taximeter.yamldoc import Document, Value, load, show

SHORTEST = 16
"""Characters of a token."""

_TAKEN = ("runs", "baselines")
_MAKE = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe())'"

Tokens = Mapping[str, tuple[str, ...]]
"""By the name of the project."""


class Ring:
    """Tells whose token it is."""

    def __init__(self, tokens: Tokens) -> None:
        self._known = [(_digest(token), project) for project, given in tokens.items() for token in given]

    def project(self, given: str) -> str | None:
        """The project of a token; None if it is nobody's. It takes as long whatever is wrong with it."""
        digest, found = _digest(given), None
        for known, project in self._known:
            if hmac.compare_digest(known, digest):
                found = project
        return found


class _Draft(msgspec.Struct):
    """A project and its tokens as somebody has written them."""

    project: str
    tokens: list[Value]
    problem: Problem


def read_tokens(path: Path) -> Tokens:
    """The tokens in a file: `project: token` or `project: [token, …]`; SetupError with everything that is wrong."""
    if not path.exists():
        hint = "write one line a project into it: `search: TOKEN`; " + _MAKE
        raise SetupError(Problem("there is no file of tokens", hint, path=str(path)))
    document = load(path)
    if not isinstance(document.data, dict) or not document.data:
        raise SetupError(document.problem("tokens are written as `project: token`, one project a line"))
    return _checked(_draft(document, project, given) for project, given in document.data.items())


def parse_tokens(text: str, key: str) -> Tokens:
    """The tokens in a setting: `project=token,project=token`; `key` is where it was written. SetupError likewise."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    problem = Problem("", key=key)
    return _checked(_Draft(project.strip(), [token.strip()], problem) for project, _, token in pairs)


def can_be_read_by_all(path: Path) -> bool:
    """Whether everybody on this machine can read it."""
    return bool(path.stat().st_mode & stat.S_IROTH)


def _draft(document: Document, project: str, given: Value) -> _Draft:
    return _Draft(project, given if isinstance(given, list) else [given], document.problem("", (project,)))


def _checked(drafts: Iterable[_Draft]) -> Tokens:
    found: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    owner: dict[str, str] = {}
    for draft in drafts:
        tokens = tuple(token for token in draft.tokens if isinstance(token, str) and _is_token(token))
        if safe_name(draft.project) != draft.project or draft.project in _TAKEN:
            message = f"{show(draft.project)} cannot be the name of a folder"
            hint = "use letters, digits, '.', '_' and '-', and begin with a letter or a digit"
            problems.append(msgspec.structs.replace(draft.problem, message=message, hint=hint))
        elif len(tokens) < len(draft.tokens) or not tokens:
            message = f"a token of {show(draft.project)} is no text of at least {SHORTEST} characters without spaces"
            problems.append(msgspec.structs.replace(draft.problem, message=message, hint=_MAKE))
        elif shared := [owner[token] for token in tokens if owner.get(token, draft.project) != draft.project]:
            message = f"{show(draft.project)} has a token of {show(shared[0])}"
            problems.append(msgspec.structs.replace(draft.problem, message=message, hint="give each project its own"))
        owner |= dict.fromkeys(tokens, draft.project)
        found[draft.project] = found.get(draft.project, ()) + tokens
    if problems:
        raise SetupError(*problems)
    return found


def _is_token(text: str) -> bool:
    return len(text) >= SHORTEST and text.isascii() and text.isprintable() and " " not in text


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
