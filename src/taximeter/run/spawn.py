"""Starting the stage's own process, with nothing of ours in it but what the task says."""
# ruff: noqa: PTH113, PTH118 - pathlib would be loaded into every supervisor

from __future__ import annotations

import errno
import json
import os
import signal

NOT_FOUND = 127
NOT_STARTED = 126
"""Exit codes of a command that never ran, as shells give them."""

_ALL_SIGNALS = signal.valid_signals()


class StartError(Exception):
    """The command could not be started. It is an outcome of the stage: the supervisor tells it, and nothing fails."""

    def __init__(self, exit_code: int, what: str, reason: Exception) -> None:
        from taximeter.redact import without_secrets  # a supervisor whose stage starts does not need it

        text = reason.strerror if isinstance(reason, OSError) else str(reason)
        super().__init__(without_secrets(f"{what}: {text}"))
        self.exit_code = exit_code


class Task:
    """What the driver wants run. Names and values of a system are bytes; JSON carries each as a character (latin-1)."""

    __slots__ = ("argv", "cwd", "env", "grace", "ignored", "is_kept", "log", "usage")

    def __init__(self, line: bytes) -> None:
        fields = json.loads(line)
        self.argv = [_bytes(word) for word in fields["argv"]]
        self.env = {_bytes(name): _bytes(value) for name, value in fields["env"].items()}
        self.cwd = _bytes(fields["cwd"])
        self.log = None if fields["log"] is None else _bytes(fields["log"])
        self.ignored: list[int] = fields["ignored"]
        self.usage = None if fields["usage"] is None else _bytes(fields["usage"])
        self.is_kept: bool = fields["kept"]
        self.grace: float = fields["grace"]


def start(task: Task) -> int:
    """Starts the stage's own process and returns its pid; raises StartError.

    From here on this process's working directory and output are the stage's too, so that even a crash of ours is
    found in the stage's log. The stage leads a process group of its own: `kill 0` in a script ends the script only.
    A command without a log is in the foreground: its files, terminal and group are those of whoever asked for it.
    """
    if task.log is not None:
        _append_output_to(task.log)
    try:
        os.chdir(task.cwd)
    except (OSError, ValueError) as error:
        raise StartError(NOT_STARTED, f"cannot enter {_text(task.cwd)}", error) from None
    try:
        program = _find(task.argv[0], task.env.get(b"PATH", os.fsencode(os.defpath)))
        reset = _ALL_SIGNALS.difference(task.ignored)
        for number in task.ignored:
            signal.signal(number, signal.SIG_IGN)
        if task.log is None:
            return os.posix_spawn(program, task.argv, task.env, setsigmask=(), setsigdef=reset)
        return os.posix_spawn(program, task.argv, task.env, setpgroup=0, setsigmask=(), setsigdef=reset)
    except (OSError, ValueError) as error:
        exit_code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_STARTED
        raise StartError(exit_code, f"cannot run {_text(task.argv[0])}", error) from None


def leave(task: Task) -> None:
    """Lets go of the log and the folder of a stage of which nothing is left."""
    if task.log is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    os.chdir("/")


def _append_output_to(path: bytes) -> None:
    try:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except (OSError, ValueError) as error:
        raise StartError(NOT_STARTED, f"cannot write {_text(path)}", error) from None
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _find(name: bytes, path: bytes) -> bytes:
    """The file that a shell would run for this name."""
    if b"/" in name:
        return name
    not_executable = None
    for folder in path.split(b":"):
        file = os.path.join(folder, name)
        if os.path.isfile(file):
            if os.access(file, os.X_OK):
                return file
            not_executable = not_executable or file
    if not_executable is None:
        raise FileNotFoundError(errno.ENOENT, "not found in PATH")
    return not_executable


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
