"""What may be reused, apart from whole runs (those are in tests/cli/test_rerun.py)."""

from pathlib import Path

import msgspec

from taximeter.run.artifacts import Artifacts
from taximeter.run.choice import Choice
from taximeter.run.earlier import Made
from taximeter.run.fingerprint import Fingerprints
from taximeter.run.reuse import Reuse
from taximeter.rundir import RunDir
from tests.runs import plan, stage


def test_what_a_failed_attempt_leaves_is_not_taken_for_what_was_made_before(tmp_path: Path) -> None:
    planned = msgspec.structs.replace(stage(1, "a"), command="cat > {out}")
    of = plan([planned])
    run = RunDir(tmp_path / "r")
    artifacts = Artifacts(of, run)

    def fingerprints() -> Fingerprints:
        return Fingerprints(of, artifacts, {}, "python")

    made = Made(run, planned.folder, fingerprints().of(planned), None, stale=False)
    reuse = Reuse(run, Choice(), {"a": made}, {}, artifacts, fingerprints())
    assert reuse.look(planned).made is None  # its artifact is gone
    artifacts.of(planned).parent.mkdir(parents=True)
    artifacts.of(planned).write_text("half of it")
    assert reuse.look(planned).made is None
    assert Reuse(run, Choice(), {"a": made}, {}, artifacts, fingerprints()).look(planned).made is made


def test_an_input_that_cannot_be_read_keeps_a_stage_from_being_reused(tmp_path: Path) -> None:
    planned = msgspec.structs.replace(stage(1, "a"), command="cat {input.x}")
    of = plan([planned], input={"x": str(tmp_path / "gone")})
    assert Fingerprints(of, Artifacts(of, RunDir(tmp_path / "r")), {}, "python").of(planned) is None
