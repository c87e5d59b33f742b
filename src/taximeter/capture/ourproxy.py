"""A word to the run's own proxy: what is recorded here need not be recorded there once more."""

from __future__ import annotations

from collections.abc import MutableMapping

from taximeter import settings
from taximeter.recorder.guard import guarded

HEADER = "x-taximeter-captured"
"""It goes to our proxy only, which takes it out."""


@guarded
def tell(url: object, headers: MutableMapping[str, str]) -> None:
    """Marks a request, if that is where it goes; `url` is anything that is one as text."""
    proxy = settings.PROXY.read()
    if proxy and str(url).startswith(f"{proxy}/"):
        headers[HEADER] = "1"
