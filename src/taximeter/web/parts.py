"""A document that is sent again and again: whoever has an older version gets only the parts that are new."""

from __future__ import annotations


class Parts:
    """Parts by name, each as JSON text and with the version in which it was last changed."""

    def __init__(self) -> None:
        self.version = 0
        self._parts: dict[str, tuple[int, bytes]] = {}
        self._gone: dict[str, int] = {}

    def put(self, parts: dict[str, bytes]) -> bool:
        """Changes what is different, and leaves the rest alone; whether there was any difference."""
        news = {name: text for name, text in parts.items() if self._parts.get(name, (0, b""))[1] != text}
        if not news:
            return False
        self.version += 1
        for name, text in news.items():
            self._parts[name] = (self.version, text)
            self._gone.pop(name, None)
        return True

    def drop(self, name: str) -> None:
        """Takes a part away."""
        if self._parts.pop(name, None) is not None:
            self.version += 1
            self._gone[name] = self.version

    def since(self, version: int) -> list[tuple[str, bytes]]:
        """The parts that have changed since that version; all of them since version 0."""
        return [(name, text) for name, (changed, text) in self._parts.items() if changed > version]

    def gone_since(self, version: int) -> list[str]:
        """Names of the parts that were taken away since that version."""
        return [name for name, dropped in self._gone.items() if dropped > version] if version else []
