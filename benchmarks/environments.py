"""Environments of their own for what taximeter is compared with."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

VARIABLES = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As people have it: programs of Python are compiled once and not at every start."""


def python_with(folder: Path, *packages: str, **variables: str) -> Path:
    """Makes an environment with these packages in the folder, built under these variables; gives its Python."""
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", *packages], env=VARIABLES | variables, check=True)
    return folder / "bin/python"
