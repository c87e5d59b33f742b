"""One document laid over another: maps are merged, key by key and at every depth; all else is replaced."""

from __future__ import annotations

from taximeter.yamldoc.document import Document, KeyPath, Value


class Overlaid(Document):
    """A document with another one over it. Each part of it stands where it was written, in the one file or other."""

    def __init__(self, base: Document, over: Document) -> None:
        super().__init__(base.name, base.text)
        self.data = _merged(base.data, over.data)
        self.root = base.root
        self._base = base
        self._over = over
        self.unclear = over.unclear | {path for path in base.unclear if self.owner(path) is base}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of both files."""
        return (*self._base.names, *self._over.names)

    def owner(self, key_path: KeyPath) -> Document:
        """The upper one for what it says or replaces, the lower one for all else."""
        below, above = self._base.data, self._over.data
        for key in key_path:
            if not isinstance(above, dict) or key not in above:
                return self._base
            above = above[str(key)]
            below = below.get(str(key)) if isinstance(below, dict) else None
            if not (isinstance(above, dict) and isinstance(below, dict)):
                return self._over
        return self._base


def _merged(below: Value, above: Value) -> Value:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    both = below | above
    return both | {key: _merged(below[key], above[key]) for key in above if key in below}
