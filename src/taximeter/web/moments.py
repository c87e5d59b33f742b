"""Moments as people and programs write them, of any ISO 8601 precision, as numbers that can be compared."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_COARSE = re.compile(r"\d{4}(-\d{2})?")


def moment(text: str | None) -> float | None:
    """Seconds since the epoch: a year, a day, a minute or any fraction of a second; UTC unless it says otherwise.

    None if there is none, or it is no moment.
    """
    if not text:
        return None
    if _COARSE.fullmatch(text):
        text = f"{text}-01-01"[:10]
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
