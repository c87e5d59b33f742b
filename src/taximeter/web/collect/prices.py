"""The snapshot of the price sheet that each run gets: one file with many names, since it is large and never changes."""

from __future__ import annotations

import os
from pathlib import Path

from taximeter.pricing.sheet import Sheet
from taximeter.rundir import replace


class Prices:
    """Puts the sheet by which runs are priced into their directories."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._twin: Path | None = None

    def put(self, path: Path) -> None:
        """Makes the file; one that is there is left alone. OSError if it cannot be made."""
        if self._twin is not None:
            try:
                os.link(self._twin, path)
                return
            except FileExistsError:
                return
            except OSError:
                pass  # that run was removed, or the file system allows no more names, or none at all
        replace(path, self.sheet.encoded)
        self._twin = path
