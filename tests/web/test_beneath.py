"""Nothing outside of a directory is opened, and nothing that is no file."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter.web import beneath

OPENERS = {"kernel": beneath.by_kernel, "steps": beneath.by_steps}


@pytest.fixture(params=OPENERS)
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    if request.param == "kernel" and beneath.opener is not beneath.by_kernel:
        pytest.skip("this kernel has no openat2")
    monkeypatch.setattr(beneath, "opener", OPENERS[request.param])
    inside = tmp_path / "inside"
    (inside / "folder").mkdir(parents=True)
    (inside / "folder" / "file").write_text("inside")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "file").write_text("secret")
    (inside / "out").symlink_to("../secret")
    (inside / "absolute").symlink_to(tmp_path / "secret")
    (inside / "outside").symlink_to("../secrets")
    (inside / "self").symlink_to("/proc/self/environ")
    (inside / "loop").symlink_to("loop")
    os.mkfifo(inside / "pipe")
    fd = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def test_a_file_inside_is_opened(root: int) -> None:
    with os.fdopen(beneath.open_file(root, "folder/file")) as file:
        assert file.read() == "inside"


@pytest.mark.parametrize(
    "path",
    [
        *("../secret", "folder/../../secret", "/etc/passwd", "..", ".", "", "folder", "folder/"),
        *(
            "out",
            "absolute",
            "outside/file",
            "self",
            "loop",
            "pipe",
            "missing",
            "folder/file/more",
            "folder//../../secret",
        ),
    ],
)
def test_nothing_else_is(root: int, path: str) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(OSError):
        beneath.open_file(root, path)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_socket_is_no_file(root: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "inside")
    with socket.socket(socket.AF_UNIX) as listening, pytest.raises(OSError):
        listening.bind("socket")
        beneath.open_file(root, "socket")


def test_a_name_with_a_null_is_none(root: int) -> None:
    with pytest.raises(OSError):
        beneath.open_file(root, "folder/file\0")
