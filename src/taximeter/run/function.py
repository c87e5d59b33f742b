"""Calls a function of a file for a stage: `python -m taximeter.run.function PATH FUNCTION JSON`."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import NoReturn


def main(path: str, function: str, arguments: str) -> None:
    """Calls `function(inputs, out, params)` of the file with the arguments, a JSON map of the three."""
    file = Path(path)
    sys.path.insert(0, str(file.parent.absolute()))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        _give_up(f"there is no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pickling finds functions of the file through it
    spec.loader.exec_module(module)
    called = getattr(module, function, None)
    if not callable(called):
        _give_up(f"there is no function {function} in {path}")
    called(**json.loads(arguments))


def _give_up(message: str) -> NoReturn:
    print(f"taximeter: {message}", file=sys.stderr)  # noqa: T201 (this is a program)
    raise SystemExit(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
