"""The command line in this process, since starting Python for each call would take most of the time."""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from taximeter.cli.main import main


class Said(msgspec.Struct):
    out: str
    err: str


Cli = Callable[..., Said]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """`taximeter ARGUMENTS` in an empty folder; the stages are real processes."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, code: int = 0) -> Said:
        monkeypatch.setattr(sys, "argv", ["taximeter", *arguments])
        capfd.readouterr()
        try:
            main()
            ended = 0
        except SystemExit as end:
            ended = end.code
        said = Said(*capfd.readouterr())
        assert ended == code, said.out + said.err
        return said

    return call
