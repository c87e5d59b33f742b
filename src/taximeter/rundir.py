"""A run is a directory: where everything lies, how files are replaced, and who holds the run."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from taximeter.errors import Problem, RunDirError, SetupError

MANIFEST = "run_manifest.jsonl"
SHARDS = "shards"
"""The folder in that of a stage with its shards, each in a folder by its number."""

_RUNS = "runs"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_MAPPED = re.compile(r"[A-Za-z0-9._-]{0,60}~[0-9a-f]{8}")
_UNSAFE_CHARACTER = re.compile(r"[^A-Za-z0-9._-]")

_OPEN_SUFFIX = ".open"
"""Of a journal whose process is writing it, and holds it (flock)."""

_A_LOOK = 0.25
"""Seconds in which a reader that asks `is_held`, and has the lock for a moment, is done."""

_AN_END = 10.0
"""Seconds in which the stages of a dead driver have ended; they need 0.3 unless a process cannot be killed."""


def safe_name(text: str) -> str:
    """A file name made of an id: the id itself if it is safe, else 60 safe characters, `~`, 8 hex of its sha256.

    A name that was made so is its own.
    """
    if _SAFE.fullmatch(text) or _MAPPED.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    safe = _UNSAFE_CHARACTER.sub("", text).lstrip("._-")[:60]
    return f"{safe}~{digest}"


def check_run_id(run_id: str) -> str:
    """The run id, if it can name a directory as it is; else SetupError."""
    if _SAFE.fullmatch(run_id):
        return run_id
    raise SetupError(
        Problem(
            f"the run id {run_id!r} cannot name a directory",
            hint="use letters, digits, '.', '_' and '-', at most 80, and begin with a letter or a digit",
        )
    )


def new_run_id(name: str, moment: datetime) -> str:
    """An id for a run of that name: what is safe of the name, the UTC time, and six random hex digits."""
    safe = _UNSAFE_CHARACTER.sub("-", name).strip("._-")[:56] or "run"
    return f"{safe}-{moment:%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"


def replace(path: Path, content: bytes) -> None:
    """Puts the content into the file in one step: a reader sees the old or the new, whatever dies when."""
    replace_with(path, (content,))


def replace_with(path: Path, parts: Iterable[bytes]) -> None:
    """The same with a content in parts, which need not be in memory at once."""
    beside = path.with_name(path.name + ".tmp")
    with beside.open("wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


def read_file(path: Path) -> bytes:
    """What stands in a file; OSError if it is no regular one: a pipe would keep us waiting."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with os.fdopen(fd, "rb") as file:
        return file.read()


def append_line(path: Path, line: bytes) -> None:
    """Appends one line with a single O_APPEND write, on a fresh line even after a torn one; several lines, too, if
    there are newlines between them."""
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        end = os.fstat(fd).st_size
        torn = end > 0 and os.pread(fd, 1, end - 1) != b"\n"
        os.write(fd, (b"\n" if torn else b"") + line + b"\n")
    finally:
        os.close(fd)


class RunDir:
    """The directory of one run and the names of what lies in it."""

    def __init__(self, path: Path) -> None:
        self._stages: dict[str, StageDir] = {}
        self.path = path
        self.lock_file = path / "run.lock"
        self.stages_lock_file = path / "stages.lock"
        self.snapshots = path / "snapshots"
        self.events = path / "events"
        self.tables = path / "tables"
        """Parquet for questions in SQL: derived, and made anew after the run has gone on."""

        self.plan = self.snapshots / "plan.json"
        self.pricing = self.snapshots / "pricing.json"
        self.instrumentation = self.snapshots / "instrumentation.yaml"
        self.state = path / "pipeline_state.json"
        self.progress = path / "pipeline_events.jsonl"
        self.report_json = path / "instrumentation.json"
        self.report_md = path / "instrumentation.md"
        self.report_html = path / "instrumentation.html"
        self.calls = path / "instrumentation_calls.jsonl"
        self.proxy_log = path / "proxy.txt"

    @property
    def run_id(self) -> str:
        """The run id: the directory is named by it."""
        return self.path.name

    @property
    def output(self) -> Path:
        """The folder that holds the manifest and all runs."""
        return self.path.parent.parent

    @property
    def is_listed(self) -> bool:
        """Whether it lies among the runs of an output directory; one that was named by itself lies in nobody's list."""
        return self.path.parent.name == _RUNS

    def create(self) -> None:
        """Makes the directory and its folders; RunDirError if the run exists already or there is no place for it."""
        try:
            self.path.mkdir(parents=True)
        except FileExistsError:
            raise RunDirError(
                f"{self.path} exists already: choose another --run-id, or leave it out for a new one"
            ) from None
        except OSError as error:
            raise RunDirError(
                f"cannot make {self.path}: {error.strerror}; name another place with --output-dir"
            ) from None
        self.fill()

    def fill(self) -> None:
        """Makes the folders that every run has, as far as they are not there."""
        self.snapshots.mkdir(exist_ok=True)
        self.events.mkdir(exist_ok=True)

    def is_one(self) -> bool:
        """Whether the directory was made for a run: a driver that is killed at once leaves it empty."""
        return self.path.is_dir() and (
            self.lock_file.exists() or self.snapshots.is_dir() or bool(self.journals()) or not any(self.path.iterdir())
        )

    def stage(self, folder: str) -> StageDir:
        """The folder of one stage."""
        return self._stages.get(folder) or self._stages.setdefault(folder, StageDir(self.path / folder))

    def journals(self) -> list[Path]:
        """Event files of all processes, closed and open, by name."""
        try:
            names = os.listdir(self.events)  # noqa: PTH208 - often, and all of it is sorted by name
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [self.events / name for name in sorted(names) if name.endswith((".jsonl", ".jsonl.open"))]

    def sinks(self) -> list[Path]:
        """The call sinks of all attempts, of stages and of shards."""
        return [path for at in ("*", f"*/{SHARDS}/*") for path in self.path.glob(f"{at}/calls.*.jsonl")]

    def lock(self) -> RunLock:
        """Holds the run for this process; RunDirError if another one does, or if its stages do not end."""
        driver = self._lock(self.lock_file, _A_LOOK)
        if driver is None:
            raise RunDirError(f"{self.path} is held by a running driver: wait for its end, or choose another --run-id")
        stages = self._lock(self.stages_lock_file, _AN_END)
        if stages is None:
            os.close(driver)
            raise RunDirError(
                f"the driver of {self.path} is gone, but stages that it started have not ended: wait for them"
            )
        return RunLock(driver, stages)

    def hold(self) -> int | None:
        """A file descriptor that holds the run, and none of its stages, until it is closed; None if somebody does."""
        return self._lock(self.lock_file, _A_LOOK)

    def _lock(self, file: Path, patience: float) -> int | None:
        """A file descriptor that has the lock; None if somebody else still has it after so many seconds."""
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    os.close(fd)
                    return None
                time.sleep(0.02)
            else:
                return fd

    def is_held(self) -> bool:
        """Whether a living driver holds this run; if no driver began it, whether a program that works in it lives."""
        if _is_locked(self.lock_file):
            return True
        return not self.plan.exists() and any(
            _is_locked(path) for path in self.journals() if path.name.endswith(_OPEN_SUFFIX)
        )


def _is_locked(file: Path) -> bool:
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


class RunLock:
    """A held run; it is let go when closed, or by the kernel when the process dies.

    `stages` is the file descriptor of a second lock. Whoever is handed it keeps other drivers out as long as it lives,
    though this process may be dead.
    """

    def __init__(self, driver: int, stages: int) -> None:
        self._driver = driver
        self.stages = stages

    def close(self) -> None:
        """Lets the run go."""
        os.close(self.stages)
        os.close(self._driver)


class StageDir:
    """The folder of one stage."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def log(self, attempt: int) -> Path:
        """What the stage printed."""
        return self.path / f"log.{attempt}.txt"

    def sink(self, attempt: int) -> Path:
        """The calls that its programs appended."""
        return self.path / f"calls.{attempt}.jsonl"

    def progress(self, attempt: int) -> Path:
        """The progress that its programs appended."""
        return self.path / f"progress.{attempt}.jsonl"

    def verdict(self, attempt: int) -> Path:
        """What the check of the artifact's rows found."""
        return self.path / f"check.{attempt}.json"

    def usage(self, attempt: int) -> Path:
        """The supervisor's figures."""
        return self.path / f"usage.{attempt}.json"

    def marks(self, attempt: int) -> Path:
        """What its Python processes said of capturing their calls."""
        return self.path / f"captured.{attempt}.txt"

    @property
    def reused(self) -> Path:
        """What the stage took in the run that it was reused from."""
        return self.path / "reused.json"


class OutputDir:
    """The folder that holds the manifest and all runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = path / MANIFEST
        self.runs = path / _RUNS
        self.baselines = path / "baselines"

    def baseline(self, name: str) -> Path:
        """The file of a baseline, which need not exist."""
        return self.baselines / f"{safe_name(name)}.json"

    def run(self, run_id: str) -> RunDir:
        """The directory of a run, which need not exist."""
        return RunDir(self.runs / run_id)
