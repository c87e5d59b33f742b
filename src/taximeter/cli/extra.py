"""Commands that need an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from taximeter.errors import Problem, SetupError


@contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Around imports of what an extra installs; SetupError that names it where it is not installed."""
    try:
        yield
    except ImportError as error:
        raise SetupError(Problem(f"{purpose} needs a package: {error}", f"pip install 'taximeter[{name}]'")) from None
