"""`taximeter diff`, `baseline`, `check`, `estimate`, and the action that is made of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Cli

ROOT = Path(__file__).parent.parent.parent
RECIPE = """
name: t
stages:
  - {stage: make, run: 'seq {params.n} > {out}', params: {n: 3}, out: artifact.txt}
  - {stage: ask, run: '{python} ask.py {params.n}', params: {n: 2}}
"""
ASK = """
import sys, taximeter
for _ in range(int(sys.argv[1])):
    taximeter.log_llm_usage("gpt-5", 1000, 100)
taximeter.items(10)
"""


@pytest.fixture
def two_runs(cli: Cli) -> Cli:
    Path("recipe.yaml").write_text(RECIPE)
    Path("ask.py").write_text(ASK)
    cli("run", "recipe.yaml", "--instrument", "--run-id", "a")
    cli("run", "recipe.yaml", "--instrument", "--run-id", "b", "--set", "ask.n=4")
    return cli


def test_the_latest_two_are_compared(two_runs: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(two_runs("diff", "--json").out)
    assert (found["schema_version"], found["before"], found["now"]) == ("diff_v1", "a", "b")
    assert found["run"]["difference"]["calls"] == 2
    # 2 calls of 1,000 x $1.25 + 100 x $10 a million are $0.0045.
    assert found["run"]["cost_effects"] == {"usage": 0.0045, "price": 0, "mix": 0, "total": 0.0045}
    assert found["changes"] == [{"kind": "parameter", "what": "ask.n", "before": "2", "now": "4"}]
    for width in (80, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = two_runs("diff").out.splitlines()
        assert max(map(len, lines)) <= width
        assert any(line.startswith("Cost +$0.0045 = usage +$0.0045 + price $0.00 + mix $0.00") for line in lines)


def test_a_baseline_is_saved_shown_and_used(two_runs: Cli) -> None:
    assert two_runs("baseline", "save", "main", "a").out == "output/baselines/main.json\n"
    assert "main" in two_runs("baseline", "show").out
    assert json.loads(two_runs("baseline", "show", "main", "--json").out)["baselines"]["main"]["run_id"] == "a"
    assert json.loads(two_runs("diff", "main", "b", "--json").out)["before"] == "a"
    saved = json.loads(two_runs("baseline", "save", "x", "a", "-o", "kept/x.json", "--json").out)
    assert saved == {"schema_version": "baseline_saved_v1", "run_id": "a", "path": "kept/x.json"}
    failing = two_runs("check", "b", "--baseline", "kept/x.json", "--json", code=5)
    assert [
        c["figure"] for c in json.loads(failing.out)["checks"] if not c["passed"] and c["figure"] in ("calls", "cost")
    ]


def test_what_is_not_there_is_told(two_runs: Cli) -> None:
    told = two_runs("baseline", "show", "nobody", code=2).err
    assert told == "taximeter: there is no baseline nobody in output/baselines: `taximeter baseline show` lists them\n"
    assert "No baselines in output/baselines." in two_runs("baseline", "show").err
    assert "there is no run nobody" in two_runs("diff", "nobody", code=2).err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--max-wall", "soon"], "'soon' is not a duration: write it like 90, 1.5s, 30m or 1h 30m, at most 365d"),
        (["--max-memory", "0"], "'0' is not a size: write it like 500000000, 512MiB, 2GiB or 1.5GB"),
        (["--max-cost", "-1"], "'-1' is not an amount of money: write it like 0.50"),
        (["--max-cost", "nan"], "'nan' is not an amount of money: write it like 0.50"),
        (["--tolerance", "-5%"], "'-5%' is not a share: write it like 10% or 0.1"),
        ([], "nothing to check: give --max-cost, --max-wall, --max-memory, --baseline or --on-unpriced fail"),
    ],
)
def test_what_is_written_wrong_is_told(cli: Cli, arguments: list[str], told: str) -> None:
    assert told in cli("check", "r", *arguments, code=2).err


def test_calls_without_a_price_fail_only_if_asked(cli: Cli) -> None:
    Path("recipe.yaml").write_text(RECIPE)
    Path("ask.py").write_text(ASK.replace("gpt-5", "who-knows"))
    cli("run", "recipe.yaml", "--instrument", "--run-id", "a")
    assert "2 calls without a full price" in cli("check", "a", "--max-cost", "1").out
    assert "FAIL  unpriced" in cli("check", "a", "--on-unpriced", "fail", code=5).out
    cli("run", "recipe.yaml", "--run-id", "b")
    assert "It was not metered" in cli("check", "b", "--max-cost", "1").out
    failed = cli("check", "b", "--max-cost", "1", "--on-unpriced", "fail", "--github", code=5).err
    assert "taximeter b::unpriced is It was not metered: only its times are known, at most none" in failed


def test_what_is_foretold_is_shown(two_runs: Cli) -> None:
    out = two_runs("estimate", "recipe.yaml", "--from", "a", "--items", "100").out
    assert "cost $0.045" in out
    made = json.loads(two_runs("estimate", "recipe.yaml", "--from", "a", "--from", "b", "--items", "20", "--json").out)
    assert (made["schema_version"], made["sizes"]) == ("estimate_v1", [10, 10])
    cost = made["stages"][1]["cost"]
    assert (cost["value"], cost["low"], cost["high"]) == (0.0135, 0.009, 0.018)


def test_the_action_does_what_its_inputs_say(two_runs: Cli, tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / "action/action.yml").read_text())
    (step,) = action["runs"]["steps"]
    inputs = {name: str(given["default"]) for name, given in action["inputs"].items()}
    inputs |= {"run": "b", "max-cost": "0.005", "baseline": "a\nb\n", "max-wall": "1h"}
    environment = {
        key: inputs[value.removeprefix("${{ inputs.").removesuffix(" }}")] for key, value in step["env"].items()
    }
    summary = tmp_path / "summary.md"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=os.environ
        | environment
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 5, done.stderr
    assert "::error title=taximeter b::cost is $0.009, at most $0.005 (set as a limit)\n" in done.stderr
    assert summary.read_text().startswith("### taximeter: b fails\n")
    assert "| FAIL | cost | $0.009 | $0.005 | set as a limit |" in summary.read_text()
