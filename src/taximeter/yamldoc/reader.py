"""From a file or a text to a document, by the parser's events alone and without recursion."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import NoReturn

import msgspec
import yaml

from taximeter.errors import Problem, SetupError
from taximeter.yamldoc.document import Document, KeyPath, Place, Value, show
from taximeter.yamldoc.scalars import scalar
from taximeter.yamldoc.syntax import MAX_DEPTH, TOO_DEEP, syntax_problem
from taximeter.yamldoc.words import nearest

MAX_BYTES = 5_000_000
MAX_PROBLEMS = 50

_TOO_MANY = "mend what stands above first"

_NOTHING: dict[str | int, Place] = {}  # what is inside a scalar; one for all, as there can be a million of them
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE_ASCII = re.compile("[^\t\n\x20-\x7e]")
_UNREADABLE = "[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""Compiled where it is needed: that takes longer than to read a small file."""

_UNTRANSPORTABLE = re.compile("[\0\ud800-\udfff]")


def load(path: Path) -> Document:
    """The document in a file; SetupError with every problem found."""
    return parse(_text(path), str(path))


def load_in_part(path: Path, problems: list[Problem]) -> Document | None:
    """The document in a file, with `unclear` places, if it can be read to its end; its problems are added."""
    try:
        return _read(_text(path), str(path), problems)
    except SetupError as error:
        problems.extend(error.problems)
        return None


def _text(path: Path) -> str:
    name = str(path)
    try:
        name.encode()
        content = _content(path)
    except UnicodeEncodeError:
        raise SetupError(Problem("the name of this file is not UTF-8", "rename it", path=ascii(name)[1:-1])) from None
    except OSError as error:
        raise SetupError(Problem(_why_unreadable(error), _nearby(error, path), path=name)) from None
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1_000_000} MB"
        raise SetupError(Problem(message, "put data into a file of its own, which a stage reads", path=name))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = Document(name, content[: error.start].decode())
        problem = good.problem_at(len(good.text), "this is not UTF-8 text", "save the file as UTF-8")
        raise SetupError(problem) from None


def _content(path: Path) -> bytes:
    """What is in the file, as far as anybody wants to know it. SetupError for what is no file: a pipe may never end."""
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SetupError(Problem("this is a pipe or a device, not a file", "write it to a file", path=str(path)))
        return file.read(MAX_BYTES + 1)


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file; a pipe, too, though nobody writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(text: str, name: str) -> Document:
    """The document in a text that problems call `name`; SetupError with every problem found."""
    problems: list[Problem] = []
    document = _read(text, name, problems)
    if document is None or problems:
        raise SetupError(*problems)
    return document


def _read(text: str, name: str, problems: list[Problem]) -> Document | None:
    document = Document(name, text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    unreadable = _UNREADABLE_ASCII if document.text.isascii() else re.compile(_UNREADABLE)
    if bad := unreadable.search(document.text):
        message = f"the character U+{ord(bad[0]):04X} cannot stand here"
        problems.append(document.problem_at(bad.start(), message, "leave it out, or escape it in double quotes"))
        return None
    builder = _Builder(document, problems)
    try:
        for event in yaml.parse(document.text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        problems.append(syntax_problem(error, document, builder.innermost))
        return None
    except _Stop:
        return None
    if not builder.documents:
        builder.refuse(0, "there is nothing in it", "write into it, or name the file that you mean")
        return None
    return document


def _why_unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a directory, not a file"
    return f"it cannot be read: {error.strerror}"


def _nearby(error: OSError, path: Path) -> str | None:
    """The file that may be meant by the name of one that is not there."""
    if not isinstance(error, FileNotFoundError):
        return None
    try:
        there = {entry.stem: entry.name for entry in path.parent.iterdir()}
    except OSError:
        return None
    near = nearest(path.stem, there)  # of the whole names any two that end alike would be near
    if near is None:
        return None if path.is_absolute() else "it is looked up in the working directory"
    return f"did you mean {show(there[near])}?"


class _Stop(Exception):  # noqa: N818 (no error of a person: the problems say what is wrong)
    """It makes no sense to read on."""


class _Open(msgspec.Struct):
    """A map or a list that is being filled."""

    container: dict[str, Value] | list[Value]
    path: KeyPath
    place: Place
    key: str | None = None
    """The key that waits for its value."""

    key_offset: int = 0


def _offset(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


class _Builder:
    """Makes the value out of the parser's events."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self.document = document
        self.documents = 0
        self.problems = problems
        self._open: list[_Open] = []

    @property
    def innermost(self) -> int:
        """Offset of the map or list that is being filled."""
        return self._open[-1].place.value if self._open else 0

    def take(self, event: yaml.Event) -> None:
        """The next event of the document; _Stop where it makes no sense to read on."""
        if isinstance(event, yaml.NodeEvent):
            self._refuse_decoration(event)
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(_offset(event), "a second document begins here", "one file holds one document")

    @property
    def _here(self) -> KeyPath:
        """Where the value stands that is read; of a key the map that it is a key of."""
        if not self._open:
            return ()
        inner = self._open[-1]
        if isinstance(inner.container, list):
            return (*inner.path, len(inner.container))
        return inner.path if inner.key is None else (*inner.path, inner.key)

    def refuse(self, offset: int, message: str, hint: str | None = None) -> None:
        """Notes a problem and goes on, unless there are too many."""
        if len(self.problems) + 1 == MAX_PROBLEMS:
            self.problems.append(self.document.problem_at(offset, "from here on nothing is checked", _TOO_MANY))
            raise _Stop
        self.problems.append(self.document.problem_at(offset, message, hint))

    def _stop(self, offset: int, message: str, hint: str | None) -> NoReturn:
        self.refuse(offset, message, hint)
        raise _Stop

    def _refuse_decoration(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            message, mend = (
                f"{show(f'*{event.anchor}')} is an alias, which is not allowed",
                "write out what it stands for",
            )
        elif event.anchor is not None:
            message, mend = f"{show(f'&{event.anchor}')} is an anchor, which is not allowed", "leave it out"
        elif tag is not None:
            name = show(tag.replace("tag:yaml.org,2002:", "!!"))
            message, mend = f"{name} is a tag, which is not allowed", "leave it out"
        else:
            return
        if event.anchor is None or isinstance(event, yaml.AliasEvent):
            self.document.unclear.add(self._here)
        self.refuse(_offset(event), message, f"{mend}; for text: put it in quotes")

    def _node(self, event: yaml.NodeEvent) -> None:
        offset = _offset(event)
        here = self._here if isinstance(event, yaml.CollectionStartEvent) else ()
        value = self._value(event)
        parent = self._open[-1] if self._open else None
        if parent and isinstance(parent.container, dict) and parent.key is None:
            self._key(parent, value, event)
            return
        place = Place(offset, offset, {} if isinstance(value, dict | list) else _NOTHING)
        if parent is None:
            self.document.data, self.document.root = value, place
        elif isinstance(parent.container, list):
            parent.place.inside[len(parent.container)] = place
            parent.container.append(value)
        elif parent.key is not None:
            place.key = parent.key_offset
            parent.place.inside[parent.key] = place
            parent.container[parent.key] = value
            parent.key = None
        if isinstance(value, dict | list):
            if len(self._open) == MAX_DEPTH:
                self._stop(offset, *TOO_DEEP)
            self._open.append(_Open(value, here, place))

    def _value(self, event: yaml.NodeEvent) -> Value:
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        if isinstance(event, yaml.SequenceStartEvent):
            return []
        text: str = getattr(event, "value", "")
        if _UNTRANSPORTABLE.search(text):
            self.document.unclear.add(self._here)
            self.refuse(_offset(event), "there is a NUL or half a character in this", "no program can be given that")
        if not isinstance(event, yaml.ScalarEvent) or not event.implicit[0]:
            return text
        try:
            return scalar(text)
        except SetupError as error:
            self.document.unclear.add(self._here)
            self.refuse(_offset(event), error.problems[0].message, error.problems[0].hint)
            return text

    def _key(self, parent: _Open, value: Value, event: yaml.NodeEvent) -> None:
        offset = _offset(event)
        if isinstance(value, dict | list):
            self._stop(offset, "a map or a list cannot be a key", "put text that begins with `{` or `[` in quotes")
        key: str = getattr(event, "value", "")
        if not isinstance(value, str):
            self.document.unclear.add((*self._here, key))
            self.refuse(offset, f"the key {show(key)} is not text", f"write '{key}'")
        if key == "<<":
            self.document.unclear |= {self._here, (*self._here, key)}
            self.refuse(offset, "merging with `<<` is not allowed", "write the keys out")
        if before := parent.place.inside.get(key):
            line, _ = self.document.position(before.key)
            self.document.unclear.add((*self._here, key))
            self.refuse(offset, f"the key {show(key)} is given again", f"it is first given on line {line}; keep one")
        parent.key, parent.key_offset = key, offset
