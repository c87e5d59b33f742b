"""How figures are found on this machine, tried on a program that does nothing."""

from __future__ import annotations

import os
import selectors
import tempfile
from contextlib import closing
from pathlib import Path

from taximeter.ledger.figures import Figures
from taximeter.run.launcher import Forkserver
from taximeter.run.messages import Done, Launch, Lost

_PATIENCE = 10.0


def try_methods() -> dict[str, str]:
    """The method of each figure (`exact`, `sampled`, `missing`); empty if the supervisor could not do its work."""
    with tempfile.TemporaryDirectory() as folder, closing(Forkserver.start()) as forkserver:
        task = Launch(
            argv=["sleep", "0.2"],  # long enough for a sample
            env=dict(os.environ),
            cwd=folder,
            log_path=str(Path(folder) / "log"),
            usage_path=str(Path(folder) / "usage"),
        )
        with closing(forkserver.launch(task)) as handle, selectors.DefaultSelector() as selector:
            selector.register(handle.fileno(), selectors.EVENT_READ)
            while selector.select(_PATIENCE):
                for message in handle.read():
                    match message:
                        case Done(figures=figures):
                            return _known(figures)
                        case Lost():
                            return {}
    return {}


def _known(figures: Figures) -> dict[str, str]:
    return dict(sorted(figures.methods.items()))
