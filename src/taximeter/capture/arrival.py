"""Waits for an SDK at next to no cost: hooks and recorder are loaded when the program first imports one."""

from __future__ import annotations

import sys

from taximeter.capture import mark

TYPE_CHECKING = False  # to import it from typing would take longer than all that is done here

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

SDKS = frozenset({"openai", "anthropic", "google.genai", "mistralai"})
"""The packages in which there is something to hook."""


def await_sdks() -> None:
    """Has calls captured from when an SDK is imported, and marks this process as captured."""
    if SDKS.isdisjoint(sys.modules):
        sys.meta_path.insert(0, _Lookout())
    else:
        _install()
    mark.leave()


class _Lookout:
    """Finds no module: it only sees which ones are looked for, and is gone after the first SDK."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Hooks the SDKs before the first of them is loaded."""
        if name in SDKS and self in sys.meta_path:
            sys.meta_path.remove(self)
            _install()
        return None


def _install() -> None:
    from taximeter.recorder.guard import guarded

    guarded(_instrument)()


def _instrument() -> None:
    try:
        from taximeter.capture.install import instrument

        instrument()
    except BaseException:
        mark.withdraw()
        raise
