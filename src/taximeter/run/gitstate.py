"""Which commit a run was started from; asked beside the run, so that nobody waits for git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from taximeter.ledger.manifest import GitState

_PATIENCE = 2.0


class GitQuestion:
    """Asks git about a folder, and has the answer later."""

    def __init__(self, folder: Path) -> None:
        command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
        try:
            self._asked: subprocess.Popen[str] | None = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        except OSError:  # no git here
            self._asked = None

    def answer(self) -> GitState | None:
        """The commit, and whether tracked files were changed; None outside a repository."""
        if self._asked is None:
            return None
        try:
            told, _ = self._asked.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._asked.kill()
            self._asked.communicate()
            return None
        head = "# branch.oid "
        lines = told.splitlines()
        sha = next((line.removeprefix(head) for line in lines if line.startswith(head)), None)
        return GitState(sha, any(not line.startswith("#") for line in lines)) if sha else None
