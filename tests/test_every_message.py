"""Every message about a file or a command line that a person wrote wrong stands in a test, as people see it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MESSAGE_OF = {
    "Problem": 0,
    "problem": 0,
    "problem_at": 1,
    "refuse": 1,
    "_stop": 1,
    "Fault": 1,
    "Flaw": 0,
    "Violation": 1,
    "PydanticCustomError": 1,
    "_problem": 1,
    "_refused": 1,
}
"""What makes a problem, and which of its arguments is the message."""

FILLED = "\0"
"""What stands for a part of a message that is filled in."""

NOT_MADE = {
    "the demo needs {}, which is not installed": "all that it needs is installed where the tests run",
    "importing {} takes longer than {} s": "nobody waits a minute for it",
    "no Dask cluster could be started here": "its own module starts it, which its own tests run",
    "this is not YAML: {}": "for what a parser to come may say",
}
"""Messages that no test brings about, and why."""


def sources() -> Iterator[tuple[Path, ast.AST]]:
    return trees("src/taximeter")


def trees(folder: str) -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path, ast.parse(path.read_text())


def texts(node: ast.AST) -> Iterator[str]:
    """What a string can be: a literal, a formatted one, or one of two."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(part.value if isinstance(part, ast.Constant) else FILLED for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body)
            yield from texts(orelse)


def messages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each message with its line: an argument of what makes a problem, or assigned to `message` before."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="PydanticCustomError"), args=[ast.Name(id="QUANTITY"), *_]):
                continue  # told in words of its own
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in MESSAGE_OF:
                found = args[MESSAGE_OF[name] :][:1]
            case ast.Assign(targets=[ast.Name(id="message")], value=value):
                found = [value]
            case _:
                continue
        yield from ((node.lineno, re.sub(r"{\w+}", FILLED, text)) for part in found for text in texts(part))


def test_every_message_stands_in_a_test() -> None:
    there = (tree for path, tree in trees("tests") if path != Path(__file__))
    told = "\n".join(text for tree in there for node in ast.walk(tree) for text in texts(node))
    found = [(path, line, message) for path, tree in sources() for line, message in messages(tree)]
    assert len(found) > 100
    missing = {
        message.replace(FILLED, "{}"): f"{path.relative_to(ROOT)}:{line}"
        for path, line, message in found
        if not re.search(".*?".join(map(re.escape, message.split(FILLED))), told)
    }
    assert missing.keys() == NOT_MADE.keys(), missing
