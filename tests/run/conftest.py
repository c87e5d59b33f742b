"""One forkserver per module of tests, as a driver has one per run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter.run.launcher import Forkserver
from tests.stages import Launcher


@pytest.fixture(scope="module")
def forkserver() -> Iterator[Forkserver]:
    forkserver = Forkserver.start()
    yield forkserver
    forkserver.close()


@pytest.fixture
def launcher(forkserver: Forkserver, tmp_path: Path) -> Iterator[Launcher]:
    launcher = Launcher(forkserver, tmp_path)
    yield launcher
    launcher.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Launcher]:
    """A launcher whose forkserver may be killed."""
    forkserver = Forkserver.start()
    launcher = Launcher(forkserver, tmp_path)
    yield launcher
    launcher.close()
    forkserver.close()
