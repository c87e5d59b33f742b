"""Executors by name, as a person asks for them: ours, those of other packages, and those that cannot be had."""

from pathlib import Path

import pytest

from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.run.pipelines import here, recipe, taximeter

__all__ = ["here"]  # a fixture

OTHER = """
from pathlib import Path
from taximeter.errors import Problem, SetupError
from taximeter.run.executor import Caps
from taximeter.run.executors.local import Local
from taximeter.run.launcher import Forkserver

class Mine(Local):
    def close(self):
        super().close()
        Path("closed").touch()

def connect(address, jobs, files):
    if address == "tcp://nowhere":
        raise SetupError(Problem("nobody answers at tcp://nowhere", "start it"))
    Path("asked").write_text(f"{address} {jobs}")
    mine = Mine(Forkserver.start())
    mine.caps = Caps(cpus=2.0, memory=1e12, gpus=0.0, is_here=address is None)
    return mine
"""


@pytest.fixture
def other(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that brings the executors `mine` and `poor`."""
    site = here / "site"
    info = site / "other-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "other.py").write_text(OTHER)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[taximeter.executors]\nmine = other:connect\npoor = gone.away:connect\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    recipe([{"id": "a", "run": "echo made > {out}", "out": "made.txt"}])


@pytest.mark.usefixtures("other")
def test_another_package_brings_an_executor() -> None:
    taximeter("run", "recipe.yaml", "--run-id", "r", "--executor", "mine", "--address", "x://y", "--jobs", "3")
    assert build(RunDir(Path("output/runs/r"))).status == "done"
    assert Path("output/runs/r/01_a/made.txt").read_text() == "made\n"
    assert Path("asked").read_text() == "x://y 3"
    assert Path("closed").exists()


@pytest.mark.usefixtures("other")
def test_a_run_configuration_names_one_and_a_flag_overrides_it() -> None:
    Path("c.yaml").write_text("recipe: recipe.yaml\nexecution: {executor: mine, address: 'x://y'}\n")
    taximeter("run", "--config", "c.yaml", "--address", "z://")
    assert Path("asked").read_text() == "z:// None"


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--executor", "mien"], ["--executor mien: there is no executor 'mien'", "did you mean `mine`?"]),
        (["--executor", "qqqqq"], ["there is no executor 'qqqqq'", "`local`, `mine`"]),
        (["--executor", "poor"], ["the executor poor needs a package: No module named 'gone'", "'other[poor]'"]),
        (["--address", "tcp://x"], ["--address tcp://x: this machine has no address", "--executor dask"]),
        (
            ["--files", "s3://me:pw@b"],
            ["--files s3://***@b: ", "on this machine no file has to pass through another place", "--executor dask"],
        ),
        (["--executor", "mine", "--address", "tcp://nowhere"], ["nobody answers at tcp://nowhere", "start it"]),
        (
            ["--executor", "mine", "--address", "x://y", "--capture", "proxy"],
            ["the proxy listens on this machine alone", "--capture auto"],
        ),
    ],
)
def test_what_cannot_be_had_is_said_before_anything_is_made(flags: list[str], said: list[str]) -> None:
    done = taximeter("run", "recipe.yaml", *flags, code=2)
    assert "Traceback" not in done.stderr
    told = " ".join(done.stderr.split())
    assert [text for text in said if text not in told] == [], done.stderr
    assert not Path("output").exists()
