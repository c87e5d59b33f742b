"""Which commit a run was started from; asked beside the run, so that nobody waits for git."""

from __future__ import annotations

import subprocess
from pathlib import Path
from threading import Thread

from taximeter.ledger.manifest import GitState

_PATIENCE = 2.0
"""Seconds that git gets once its answer is wanted."""


class GitQuestion:
    """Asks git about a folder, and has the answer later."""

    def __init__(self, folder: Path) -> None:
        command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
        self._told = ""
        try:
            self._git: subprocess.Popen[str] | None = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        except OSError:  # no git here
            self._git = None
            return
        # A thread of its own, so that git is waited for when it ends and not when the run does.
        self._listener = Thread(target=self._listen, args=(self._git,), daemon=True)
        self._listener.start()

    def answer(self) -> GitState | None:
        """The commit, and whether tracked files were changed; None outside a repository."""
        if self._git is None:
            return None
        self._listener.join(_PATIENCE)
        if self._listener.is_alive():
            self._git.kill()
            self._listener.join()
            return None
        head = "# branch.oid "
        lines = self._told.splitlines()
        sha = next((line.removeprefix(head) for line in lines if line.startswith(head)), None)
        return GitState(sha, any(not line.startswith("#") for line in lines)) if sha else None

    def _listen(self, git: subprocess.Popen[str]) -> None:
        self._told, _ = git.communicate()
