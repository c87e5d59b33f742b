"""Any Python starts as it does without us; one that can captures its calls, and says so."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from taximeter.capture.arrival import SDKS
from taximeter.capture.install import _HOOKS
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.report.trust import trust
from taximeter.run.environment import STARTUP, capturing
from taximeter.rundir import RunDir
from tests.capture.server import Server

CALL = """
import openai, sys
sdk = openai.OpenAI(api_key="k", base_url=sys.argv[1])
sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "what?"}])
"""
LOOK = "import sys; print(sys.path, sys.argv, sorted(sys.modules), file=sys.stderr)"
ELSEWHERE = sorted(
    {
        *Path.home().glob(".pyenv/versions/*/bin/python"),
        *map(Path, filter(None, map(shutil.which, ["/usr/bin/python3"]))),
    }
)
"""Other Pythons of this machine, old and new, none of them with a taximeter."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("PYTHONPATH", "TAXIMETER_CAPTURE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def python(*arguments: str, program: str | Path = sys.executable, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], env=os.environ | env, capture_output=True, text=True, timeout=60)


def captured(*arguments: str, program: str | Path = sys.executable, **env: str) -> subprocess.CompletedProcess[str]:
    """The same in the environment of a stage whose calls are captured."""
    return python(*arguments, program=program, **capturing(env, "auto", Path("marks").absolute()))


def execute(*command: str) -> RunInstrumentation:
    """A command with capture; its streams and its end are as they are without us."""
    taximeter = [sys.executable, "-m", "taximeter", "exec", "--run-id", "r", "--quiet", "--capture", "--"]
    without = subprocess.run(command, capture_output=True, text=True, timeout=60)
    done = subprocess.run([*taximeter, *command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (without.stdout, without.stderr, without.returncode)
    return build(RunDir(Path("output/runs/r")))


def uncaptured(report: RunInstrumentation) -> dict[str, int]:
    [stage] = report.stages
    assert stage.attempts[0].uncaptured is not None
    return stage.attempts[0].uncaptured


# -- how a Python starts -----------------------------------------------------------------------------------------------


def test_every_hook_is_in_a_package_that_is_waited_for() -> None:
    assert {name for hook in _HOOKS for name in SDKS if f"{hook}.".startswith(f"{name}.")} <= SDKS
    assert all(any(f"{hook}.".startswith(f"{name}.") for name in SDKS) for hook in _HOOKS)


def test_a_program_without_an_sdk_loads_nothing_of_ours_but_the_lookout() -> None:
    ours = "print([n for n in sys.modules if n.split('.')[0] in ('taximeter', 'wrapt', 'msgspec', 'contextlib')])"
    loaded = captured("-c", f"import sys; {ours}").stdout
    assert ast.literal_eval(loaded) == ["taximeter", "taximeter.capture", "taximeter.capture.mark",
                                        "taximeter.capture.arrival"]  # fmt: skip
    assert len(Path("marks").read_text().splitlines()) == 1


def test_the_folder_is_gone_from_the_path_of_the_program_but_not_of_its_children() -> None:
    assert STARTUP not in captured("-c", LOOK).stderr
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'pass'])"
    captured("-c", child)
    assert len(Path("marks").read_text().splitlines()) == 3


@pytest.mark.parametrize("program", ELSEWHERE, ids=lambda path: path.parent.parent.name or "usr")
@pytest.mark.parametrize("flags", [(), ("-E",), ("-S",), ("-s", "-B")])
def test_another_python_starts_as_it_does_without_us(program: Path, flags: tuple[str, ...]) -> None:
    code = "import sys; sys.stderr.write(repr(sorted(set(sys.modules) - set(['sitecustomize'])))); sys.exit(3)"
    keep_out = {"PYTHONDONTWRITEBYTECODE": "1"}  # an old one would write beside the source
    with_us, without = (run(*flags, "-c", code, "x", program=program, **keep_out) for run in (captured, python))
    assert (with_us.stdout, with_us.stderr, with_us.returncode) == (without.stdout, without.stderr, 3)
    assert not Path("marks").exists()


def test_the_text_of_it_is_understood_by_old_pythons() -> None:
    ast.parse(Path(STARTUP, "sitecustomize.py").read_text(), feature_version=(3, 4))


@pytest.mark.parametrize(
    "text",
    [
        "print('theirs')",
        "import sys; print(sys.modules[__name__].__file__)",
        "raise ValueError('theirs')",
        "import not_there",
        "(",
    ],
)
def test_a_sitecustomize_that_is_there_does_what_it_does_without_us(here: Path, text: str) -> None:
    (here / "theirs").mkdir()
    (here / "theirs" / "sitecustomize.py").write_text(text + "\n")
    path = f"{here / 'other'}:{here / 'theirs'}"
    with_us, without = (run("-c", LOOK, PYTHONPATH=path) for run in (captured, python))
    assert (with_us.stdout, with_us.returncode) == (without.stdout, without.returncode)
    assert with_us.stderr.split("[")[0] == without.stderr.split("[")[0]
    assert Path("marks").exists()


def test_a_sitecustomize_of_the_system_is_run_too(here: Path) -> None:
    program = shutil.which("/usr/bin/python3")
    if not program or "sitecustomize" not in python("-c", LOOK, program=program).stderr:
        pytest.skip("apt-get install python3-minimal: its Python has a sitecustomize")
    code = "import sitecustomize; print(sitecustomize.__file__)"
    assert captured("-c", code, program=program).stdout == python("-c", code, program=program).stdout


def test_a_program_that_has_a_taximeter_of_its_own_keeps_it(here: Path) -> None:
    (here / "taximeter.py").write_text("print('imported')\n")
    assert captured("-c", "print('begun')\nimport taximeter", PYTHONPATH=str(here)).stdout == "begun\nimported\n"
    assert not Path("marks").exists()


def test_hooks_that_cannot_be_loaded_break_nothing_and_take_the_mark_back(here: Path) -> None:
    (here / "wrapt.py").write_text("raise RuntimeError('broken')\n")
    (here / "openai.py").write_text("print('an SDK')\n")
    done = captured("-c", "import openai", PYTHONPATH=str(here))
    assert (done.stdout, done.returncode) == ("an SDK\n", 0)
    first, second = Path("marks").read_text().splitlines()
    assert second == f"-{first}"


def test_a_mark_that_cannot_be_left_breaks_nothing(here: Path) -> None:
    (here / "marks").mkdir()
    assert captured("-c", "print('well')").stdout == "well\n"


# -- environments ------------------------------------------------------------------------------------------------------


def test_the_path_that_is_there_stays_behind_ours_and_comes_back() -> None:
    marks = Path("marks")
    for path in ("/a", "/a:/b", "/a:", ":"):
        env = capturing({"PYTHONPATH": path}, "auto", marks)
        assert env["PYTHONPATH"] == f"{STARTUP}:{path}"
        assert capturing(env, "auto", marks) == env
        assert capturing(env, "off", marks) == {"PYTHONPATH": path, "TAXIMETER_CAPTURE": "0"}
    assert capturing({}, "auto", marks)["PYTHONPATH"] == STARTUP
    assert capturing(capturing({}, "auto", marks), "off", marks) == {"TAXIMETER_CAPTURE": "0"}


# -- recipes ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_stages_of_a_recipe_are_captured_if_it_says_so_or_a_flag_does(server: Server, here: Path) -> None:
    (here / "call.py").write_text(CALL)
    stages = [{"stage": "ask", "run": f"{{python}} call.py {server.url}/v1"}]
    for run_id, said, flags, calls in (
        ("off", {"capture": "off"}, [], 0),
        ("auto", {"capture": "auto"}, [], 1),
        ("flag", {"capture": "off"}, ["--capture", "auto"], 1),
        ("unmetered", {"capture": "auto"}, ["--no-instrument"], 0),
    ):
        (here / "r.yaml").write_text(json.dumps({"instrumentation": {"enabled": True, **said}, "stages": stages}))
        taximeter = [sys.executable, "-m", "taximeter", "run", "r.yaml", "--run-id", run_id]
        subprocess.run([*taximeter, *flags], check=True, capture_output=True)
        report = build(RunDir(here / "output/runs" / run_id))
        assert (report.totals.calls, report.stages[0].llm_totals.calls) == (calls, calls), run_id


# -- commands ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_sdk_that_a_grandchild_imports_is_captured(server: Server, here: Path) -> None:
    (here / "call.py").write_text(CALL)
    (here / "child.py").write_text(
        "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], check=True)"
    )
    report = execute("bash", "-c", f"{sys.executable} child.py call.py {server.url}/v1; true")
    assert (report.totals.calls, report.totals.prompt_tokens, report.totals.completion_tokens) == (1, 25, 7)
    assert uncaptured(report) == {}
    assert not any("not captured" in note for note in trust(report))


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_a_python_that_takes_no_notice_of_us_is_named(flag: str) -> None:
    report = execute(sys.executable, flag, "-c", "import time; time.sleep(0.3); print('well')")
    assert uncaptured(report) == {sys.executable: 1}
    assert any(f"not captured: {sys.executable[:60]}" in note for note in trust(report))


def test_a_virtual_environment_without_taximeter_is_named_as_it_was_called(here: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "other"], check=True)
    (here / "tool").write_text(f"#!{here}/other/bin/python\nimport time; time.sleep(0.3); print('well')\n")
    (here / "tool").chmod(0o755)
    assert uncaptured(execute("sh", "-c", "./tool; true")) == {f"{here}/other/bin/python": 1}


@pytest.mark.parametrize("program", ELSEWHERE[:1] + ELSEWHERE[-1:], ids=str)
def test_another_python_is_named(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # an old one would write beside the source
    assert uncaptured(execute(str(program), "-c", "import time; time.sleep(0.3); print('well')")) == {str(program): 1}


def test_children_that_are_forked_or_spawned_are_captured_as_their_parent_is(here: Path) -> None:
    (here / "pool.py").write_text(
        "import multiprocessing, time\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool: pool.map(time.sleep, [0.2] * 2)\n"
    )
    assert uncaptured(execute(sys.executable, "pool.py")) == {}


def test_a_run_inside_a_command_is_no_python_that_is_missed(here: Path) -> None:
    (here / "recipe.yaml").write_text(json.dumps({"stages": [{"stage": "s", "run": "sleep 0.3"}]}))
    taximeter = [sys.executable, "-m", "taximeter", "run", "recipe.yaml", "--output-dir", "inner", "--run-id"]
    assert uncaptured(execute("sh", "-c", " ".join([*taximeter, "$$", "2>/dev/null >&2"]))) == {}


@pytest.mark.skipif(shutil.which("node") is None, reason="apt-get install nodejs")
def test_another_language_is_named_unless_it_tells_its_calls() -> None:
    tells = "require('fs').appendFileSync(process.env.INSTRUMENT_SINK || '/dev/null', '');"
    [name] = uncaptured(execute("node", "-e", "setTimeout(() => {}, 300)"))
    assert name.endswith("/node")
    shutil.rmtree("output")
    assert uncaptured(execute("node", "-e", tells)) == {}


def test_without_capture_nobody_looks() -> None:
    taximeter = [sys.executable, "-m", "taximeter", "exec", "--run-id", "r", "--no-capture", "--"]
    code = "import os; print(os.environ.get('PYTHONPATH'), os.environ['TAXIMETER_CAPTURE'])"
    done = subprocess.run([*taximeter, sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "None 0\n"
    assert build(RunDir(Path("output/runs/r"))).stages[0].attempts[0].uncaptured is None
