"""What may be reused, apart from whole runs (those are in tests/cli/test_rerun.py)."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from taximeter.run.artifacts import Artifacts
from taximeter.run.choice import Choice
from taximeter.run.earlier import Made
from taximeter.run.fingerprint import Fingerprints
from taximeter.run.reuse import Reuse
from taximeter.rundir import RunDir
from tests.runs import plan, read_json, stage
from tests.stages import PATIENCE, wait_until


def test_what_a_failed_attempt_leaves_is_not_taken_for_what_was_made_before(tmp_path: Path) -> None:
    planned = msgspec.structs.replace(stage(1, "a"), command="cat > {out}")
    of = plan([planned])
    run = RunDir(tmp_path / "r")
    artifacts = Artifacts(of, run)

    def fingerprints() -> Fingerprints:
        return Fingerprints(of, artifacts, {}, "python")

    made = Made(run, planned.folder, fingerprints().of(planned), None, stale=False)
    reuse = Reuse(run, Choice(), {"a": made}, {}, artifacts, fingerprints(), {})
    assert reuse.look(planned).made is None  # its artifact is gone
    artifacts.of(planned).parent.mkdir(parents=True)
    artifacts.of(planned).write_text("half of it")
    assert reuse.look(planned).made is None
    assert Reuse(run, Choice(), {"a": made}, {}, artifacts, fingerprints(), {}).look(planned).made is made


def test_an_input_that_cannot_be_read_keeps_a_stage_from_being_reused(tmp_path: Path) -> None:
    planned = msgspec.structs.replace(stage(1, "a"), command="cat {input.x}")
    of = plan([planned], input={"x": str(tmp_path / "gone")})
    assert Fingerprints(of, Artifacts(of, RunDir(tmp_path / "r")), {}, "python").of(planned) is None


def test_a_large_input_that_is_being_read_keeps_no_signal_waiting(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no space, and minutes to read
    recipe = '{"name": "t", "stages": [{"id": "a", "run": "true", "inputs": {"x": "large"}}]}'
    (tmp_path / "r.yaml").write_text(recipe)
    command = [sys.executable, "-m", "taximeter", "run", "r.yaml", "--run-id", "r"]
    driver = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "output/runs/r/pipeline_state.json"
    read_so_far = Path(f"/proc/{driver.pid}/io")
    assert wait_until(lambda: int(read_so_far.read_text().split()[1]) > 200_000_000)
    driver.send_signal(signal.SIGINT)
    try:
        assert driver.wait(PATIENCE) == 130
    finally:
        driver.kill()
    assert [stage["status"] for stage in read_json(state)["stages"].values()] == ["skipped"]
