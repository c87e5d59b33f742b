"""How a stage's own process is started."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.stages import Launcher, program

ODD = "odd \udcff\udc80 \n é \\ \" '"
"""Bytes that are no UTF-8, as a program's arguments and environment may hold them."""


def told(launcher: Launcher, code: str, *arguments: str, **fields: object) -> object:
    """What a Python program prints as JSON."""
    launcher.run(program(f"import json, signal\nprint(json.dumps({code}))", *arguments), **fields)
    return json.loads(launcher.log.read_bytes())


def test_arguments_and_environment_arrive_byte_for_byte(launcher: Launcher) -> None:
    code = "[sys.argv[1:], os.environ['ODD']]"
    assert told(launcher, code, ODD, "", env={"ODD": ODD}) == [[ODD, ""], ODD]


def test_the_environment_is_that_of_the_task_and_no_other(launcher: Launcher) -> None:
    names = told(launcher, "sorted(os.environ)", env={"ONLY": "this"})
    assert set(names) - {"LC_CTYPE"} == {"ONLY", "PATH", "STAGE_OF_A_TEST"}  # Python itself sets LC_CTYPE


def test_a_very_large_environment_arrives(launcher: Launcher) -> None:
    large = {f"LARGE_{n}": "x" * 100_000 for n in range(10)}
    assert told(launcher, "sum(map(len, os.environ.values())) > 1_000_000", env=large) is True


def test_the_stage_sees_three_descriptors_and_nothing_of_ours(launcher: Launcher) -> None:
    descriptors = told(launcher, "{fd: os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')[:3]}")
    log = str(launcher.log)
    assert descriptors == {"0": "/dev/null", "1": log, "2": log}
    count = "len(os.listdir('/proc/self/fd')) - 1"  # one is the listing itself
    launcher.log.unlink()
    assert told(launcher, count) == 3


def test_signals_are_as_a_fresh_process_has_them(launcher: Launcher) -> None:
    code = """[
        [n for n in signal.valid_signals() if signal.getsignal(n) not in (signal.SIG_DFL, signal.default_int_handler)],
        sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    ]"""
    ignored_by_python_itself = sorted([signal.SIGPIPE, signal.SIGXFSZ])
    assert told(launcher, code) == [ignored_by_python_itself, []]


def test_a_broken_pipe_ends_a_shell_pipeline(launcher: Launcher) -> None:
    assert launcher.run(["sh", "-c", "yes | head -n 1"]).exit_code == 0
    assert launcher.log.read_bytes() == b"y\n"


def test_the_stage_leads_a_group_in_a_session_without_a_terminal(launcher: Launcher) -> None:
    group, session, pid, parent = told(launcher, "[os.getpgid(0), os.getsid(0), os.getpid(), os.getppid()]")
    assert group == pid
    assert session == parent != os.getsid(0)


def test_kill_0_in_a_script_ends_the_script_only(launcher: Launcher) -> None:
    figures = launcher.run(["sh", "-c", "trap 'exit 7' TERM; kill 0; sleep 10"])
    assert figures.exit_code == 7


def test_output_is_appended_to_the_log(launcher: Launcher) -> None:
    launcher.log.write_text("before\n")
    launcher.run(["sh", "-c", "echo out; echo err >&2"])
    assert launcher.log.read_text() == "before\nout\nerr\n"


def test_what_is_no_utf8_lands_in_the_log_byte_for_byte(launcher: Launcher) -> None:
    every_byte = bytes(range(256)) * 100
    launcher.run(program(f"os.write(1, bytes(range(256)) * {100})"))
    assert launcher.log.read_bytes() == every_byte


def test_100_mb_of_output_land_in_the_log(launcher: Launcher) -> None:
    figures = launcher.run(program("for _ in range(100): os.write(1, b'x' * 1_000_000)"))
    assert launcher.log.stat().st_size == 100_000_000
    assert figures.max_rss_bytes is not None
    assert figures.max_rss_bytes < 40_000_000


def test_the_stage_starts_where_the_task_says(launcher: Launcher) -> None:
    place = launcher.folder / "place"
    place.mkdir()
    assert told(launcher, "os.getcwd()", cwd=str(place)) == str(place)


def test_a_relative_path_is_relative_to_the_driver(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(launcher.folder)
    launcher.run(["pwd"], cwd=".", log_path="log.txt", usage_path="usage.json")
    assert launcher.log.read_text() == f"{launcher.folder}\n"
    assert launcher.usage.exists()


def test_the_path_of_the_task_is_searched_in_order(launcher: Launcher) -> None:
    folders = [launcher.folder / name for name in ("none", "not_executable", "first", "second")]
    for folder in folders[1:]:
        folder.mkdir()
        (folder / "tool").write_text(f"#!/bin/sh\necho {folder.name}\n")
        (folder / "tool").chmod(0o644 if folder.name == "not_executable" else 0o755)
    launcher.run(["tool"], env={"PATH": ":".join(map(str, folders))})
    assert launcher.log.read_text() == "first\n"


def refused(launcher: Launcher, argv: list[str], exit_code: int, **fields: object) -> str:
    """The reason for which a task did not start."""
    figures = launcher.run(argv, **fields)
    assert (figures.exit_code, figures.pid, figures.signal) == (exit_code, None, None)
    assert figures.cpu_user_seconds is None
    assert figures.spawn_error is not None
    return figures.spawn_error


def file(launcher: Launcher, content: str, mode: int) -> str:
    path = launcher.folder / "our-tool"
    path.write_text(content)
    path.chmod(mode)
    return str(path)


def test_a_program_that_is_not_there(launcher: Launcher) -> None:
    assert refused(launcher, ["no-such-program"], 127) == "cannot run no-such-program: not found in PATH"
    assert refused(launcher, ["/no/such"], 127) == "cannot run /no/such: No such file or directory"
    assert refused(launcher, [""], 127) == "cannot run : not found in PATH"


def test_a_program_in_the_working_directory_is_not_found_without_a_slash(launcher: Launcher) -> None:
    file(launcher, "#!/bin/sh\n", 0o755)
    assert refused(launcher, ["our-tool"], 127) == "cannot run our-tool: not found in PATH"
    assert launcher.run(["./our-tool"]).exit_code == 0


def test_a_file_that_is_not_executable(launcher: Launcher) -> None:
    path = file(launcher, "#!/bin/sh\n", 0o644)
    assert refused(launcher, [path], 126) == f"cannot run {path}: Permission denied"
    assert (
        refused(launcher, ["our-tool"], 126, env={"PATH": str(launcher.folder)})
        == "cannot run our-tool: Permission denied"
    )


def test_a_directory_and_a_file_that_no_system_can_run(launcher: Launcher) -> None:
    assert refused(launcher, [str(launcher.folder)], 126).endswith("Permission denied")
    assert refused(launcher, [file(launcher, "no program\n", 0o755)], 126).endswith("Exec format error")


def test_a_working_directory_that_is_not_there(launcher: Launcher) -> None:
    gone = str(launcher.folder / "gone")
    assert refused(launcher, ["true"], 126, cwd=gone) == f"cannot enter {gone}: No such file or directory"


def test_a_log_that_cannot_be_written(launcher: Launcher) -> None:
    path = str(launcher.folder / "gone" / "log.txt")
    assert refused(launcher, ["true"], 126, log_path=path) == f"cannot write {path}: No such file or directory"


def test_arguments_that_no_system_takes(launcher: Launcher) -> None:
    assert refused(launcher, ["true", "x" * 10_000_000], 126) == "cannot run true: Argument list too long"
    assert refused(launcher, ["true", "a\0b"], 126) == "cannot run true: embedded null byte"
    assert refused(launcher, ["true"], 126, env={"A=B": "c"}).startswith("cannot run true: illegal environment")


def test_a_name_that_is_no_utf8_is_told_without_harm(launcher: Launcher) -> None:
    assert refused(launcher, ["\udcff"], 127) == "cannot run \\xff: not found in PATH"


def test_a_failed_start_stands_in_the_usage_file(launcher: Launcher) -> None:
    refused(launcher, ["no-such-program"], 127)
    written = json.loads(Path(launcher.usage).read_bytes())
    assert written["state"] == "done"
    assert written["spawn_error"] == "cannot run no-such-program: not found in PATH"
