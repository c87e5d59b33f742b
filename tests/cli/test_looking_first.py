"""What a person can see before anything is run, and the files that say what a command line would."""

import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from taximeter.run.config import RunConfigBlock, read_config
from taximeter.run.options import RunOptions
from taximeter.yamldoc.modelled import model_of
from tests.cli.conftest import Cli
from tests.recipes import write
from tests.runs import read_json

RUN = Path("output/runs/r")
RECIPE = """
name: look
stages:
  - {id: a, run: "echo one > {out}; echo a >> ran"}
  - {id: b, run: "cat {inputs.x} > {out}; echo 'b' >> ran", inputs: {x: a}, params: {n: 1}}
  - {id: c, run: [sh, -c, "echo $0 >> ran", "c d"], needs: [b]}
"""


@pytest.fixture
def recipe(cli: Cli) -> Path:
    return write("r.yaml", RECIPE)


def ran() -> list[str]:
    found = Path("ran").read_text().splitlines() if Path("ran").exists() else []
    Path("ran").unlink(missing_ok=True)
    return found


def actions(cli: Cli, *flags: str) -> dict[str, str]:
    steps = json.loads(cli("run", "r.yaml", "--run-id", "r", "--dry-run", "--json", *flags).out)["stages"]
    return {step["id"]: f"{step['action']} {step['note']}".strip() for step in steps}


def test_a_dry_run_prints_commands_that_a_shell_takes_and_touches_nothing(cli: Cli, recipe: Path) -> None:
    said = cli("run", "r.yaml", "--dry-run")
    assert sorted(p.name for p in Path().iterdir()) == ["r.yaml"]
    assert "# 1 a: run" in said.out
    script = cli("run", "r.yaml", "--dry-run", "--run-id", "r").out
    for folder in ("01_a", "02_b"):
        (RUN / folder).mkdir(parents=True)
    subprocess.run(["sh", "-e"], input=script, text=True, check=True)
    assert ran() == ["a", "b", "c d"]
    assert (RUN / "02_b/artifact.jsonl").read_text() == "one\n"


def test_a_dry_run_says_what_would_be_reused(cli: Cli, recipe: Path) -> None:
    cli("run", "r.yaml", "--run-id", "r")
    before = {path: path.stat().st_mtime_ns for path in Path("output").rglob("*")}
    assert actions(cli, "--skip-done") == {"a": "reuse", "b": "reuse", "c": "reuse"}
    recipe.write_text(RECIPE.replace("n: 1", "n: 2"))
    unless = "run unless b makes what it made before"
    assert actions(cli, "--skip-done") == {"a": "reuse", "b": "run", "c": unless}
    assert actions(cli, "--start-from", "b") == {"a": "reuse", "b": "run", "c": "run"}
    assert actions(cli, "--start-from", "b", "--keep-downstream") == {"a": "reuse", "b": "run", "c": "reuse stale"}
    assert actions(cli, "--allow-run-id-reuse", "--end-at", "a") == {
        "a": "run",
        "b": "skip outside the asked range",
        "c": "skip outside the asked range",
    }
    assert actions(cli, "--force") == {"a": "run", "b": "run", "c": "run"}
    assert {path: path.stat().st_mtime_ns for path in Path("output").rglob("*")} == before
    recipe.write_text(RECIPE)
    steps = json.loads(cli("run", "r.yaml", "--run-id", "s", "--dry-run", "--json", "--resume", "r").out)["stages"]
    assert [(step["action"], step["note"]) for step in steps] == [("reuse", "from r")] * 3


def test_a_dry_run_of_an_existing_run_needs_the_same_flags(cli: Cli, recipe: Path) -> None:
    cli("run", "r.yaml", "--run-id", "r")
    assert "exists already" in cli("run", "r.yaml", "--run-id", "r", "--dry-run", code=2).err


def test_the_plan_is_dumped_as_json(cli: Cli, recipe: Path) -> None:
    plan = json.loads(cli("run", "r.yaml", "--dump-plan", "--set", "b.n=5").out)
    assert [stage["id"] for stage in plan["stages"]] == ["a", "b", "c"]
    assert plan["stages"][1]["params"] == {"n": 5}
    assert sorted(p.name for p in Path().iterdir()) == ["r.yaml"]
    assert "give one of them" in cli("run", "r.yaml", "--dump-plan", "--dry-run", code=2).err


def test_settings_are_laid_over_the_recipe_and_kept(cli: Cli, recipe: Path) -> None:
    write("s.yaml", "settings: {deep: {x: 1}}\ntags: {team: a}\nstage_params: {b: {n: 7, more: 2}}\nx-mine: anything\n")
    recipe.write_text(RECIPE + "settings: {deep: {y: 2}, z: 3}\ntags: {who: me}\n")
    plan = json.loads(cli("run", "r.yaml", "--dump-plan", "--settings", "s.yaml").out)
    assert plan["settings"] == {"deep": {"y": 2, "x": 1}, "z": 3}
    assert plan["tags"] == {"who": "me", "team": "a"}
    assert plan["stages"][1]["params"] == {"n": 1, "more": 2}  # the stage's own word is nearer
    cli("run", "r.yaml", "--run-id", "r", "--settings", "s.yaml")
    assert read_json(RUN / "snapshots/settings.yaml") == {"deep": {"y": 2, "x": 1}, "z": 3}
    snapshot = str(RUN / "snapshots/recipe.yaml")
    assert json.loads(cli("run", snapshot, "--dump-plan").out)["stages"] == plan["stages"]


def test_what_is_wrong_is_found_in_the_file_that_says_it(cli: Cli, recipe: Path) -> None:
    recipe.write_text(RECIPE + "stage_params: {b: {n: 1}, a: {m: 1}}\noutputs: {b: ../x}\n")
    write("s.yaml", "tags: {team: 5}\nstage_params:\n  bb: {n: 2}\n  b: {n: 1}\nouputs: {}\n")
    said = cli("run", "r.yaml", "--settings", "s.yaml", "--dry-run", code=2).err
    assert "s.yaml:1:8: tags.team: `team` must be text" in said
    assert "s.yaml:3:3: stage_params.bb: there is no stage `bb`" in said
    assert "s.yaml:5:1: ouputs: unknown key" in said
    assert "r.yaml:8:11: outputs.b: `../x` is no path" in said
    write("s.yaml", "[]")
    assert "s.yaml:1:1: settings must be a map" in cli("run", "r.yaml", "--settings", "s.yaml", code=2).err
    assert "gone.yaml: there is no such file" in cli("run", "r.yaml", "--settings", "gone.yaml", code=2).err


def test_a_price_sheet_of_settings_is_beside_them(cli: Cli, recipe: Path) -> None:
    write("conf/prices.yaml", "models: {}\n")
    write("conf/s.yaml", "instrumentation: {enabled: true, price_table: prices.yaml}\n")
    plan = json.loads(cli("run", "r.yaml", "--dump-plan", "--settings", "conf/s.yaml").out)
    assert plan["instrumentation"]["price_table"] == "conf/prices.yaml"


CONFIG = """
recipe: ../r.yaml
run_id: configured
output_dir: elsewhere
settings: s.yaml
execution: {jobs: 2, set: [b.n=3], end_at: b, skip_done: true}
instrumentation: {enabled: true}
"""


def test_a_run_configuration_says_what_a_command_line_would(cli: Cli, recipe: Path) -> None:
    write("conf/c.yaml", CONFIG)
    write("conf/s.yaml", "tags: {team: a}")
    cli("run", "--config", "conf/c.yaml")
    run = Path("elsewhere/runs/configured")
    report = read_json(run / "instrumentation.json")
    assert [stage["status"] for stage in report["stages"]] == ["done", "done", "skipped"]
    assert (report["metered"], report["tags"]) == (True, {"team": "a"})
    assert read_json(run / "snapshots/plan.json")["stages"][1]["params"] == {"n": 3}
    cli("run", "--config", "conf/c.yaml")  # skip_done
    assert [s["status"] for s in read_json(run / "instrumentation.json")["stages"]] == ["reused", "reused", "skipped"]


def test_flags_override_a_run_configuration_in_both_directions(cli: Cli, recipe: Path) -> None:
    write("conf/c.yaml", CONFIG)
    write("conf/s.yaml", "tags: {team: a}")
    write("other.yaml", "tags: {team: b}")
    flags = ["--run-id", "r", "--output-dir", "output", "--no-instrument", "--end-at", "c", "--settings", "other.yaml"]
    cli("run", "--config", "conf/c.yaml", *flags, "--set", "b.n=4")
    plan = read_json(RUN / "snapshots/plan.json")
    assert (plan["instrumentation"]["enabled"], plan["tags"]) == (False, {"team": "b"})
    assert plan["stages"][1]["params"] == {"n": 4}
    assert "exists already" in cli("run", "--config", "conf/c.yaml", *flags, "--no-skip-done", code=2).err
    said = cli("run", "--config", "conf/c.yaml", *flags, "--force", code=2).err
    assert "--force discards what --skip-done goes on with" in said
    cli("run", "--config", "conf/c.yaml", *flags, "--force", "--no-skip-done")
    write("conf/off.yaml", "instrumentation: {enabled: false}\nexecution: {mock: true}\n")
    plan = json.loads(cli("run", "r.yaml", "--config", "conf/off.yaml", "--instrument", "--no-mock", "--dump-plan").out)
    assert plan["instrumentation"]["enabled"] is True


def test_what_is_wrong_in_a_run_configuration_is_said_with_its_place(cli: Cli, recipe: Path) -> None:
    write("c.yaml", "recipe: r.yml\nexecution:\n  jbos: 2\n  jobs: 0\nrunid: x\nrun_id: a/b\nsettings: gone.yaml\n")
    said = cli("run", "--config", "c.yaml", code=2).err
    assert "c.yaml:1:1: recipe: there is no file `r.yml`" in said
    assert "c.yaml:6:1: run_id: the run id 'a/b' cannot name a directory" in said
    assert "c.yaml:7:1: settings: there is no file `gone.yaml`" in said
    assert "6 problems" in said
    assert "c.yaml:3:3: execution.jbos: unknown key `jbos`" in said
    assert "c.yaml:4:3: execution.jobs: `jobs` must be at least 1, not 0" in said
    assert "c.yaml:5:1: runid: unknown key `runid`" in said
    write("c.yaml", "recipe: r.yml\n")
    assert "c.yaml:1:1: recipe: there is no file `r.yml`" in cli("run", "--config", "c.yaml", code=2).err
    write("c.yaml", "execution: {jobs: 2}\n")
    assert "there is no recipe to run" in cli("run", "--config", "c.yaml", code=2).err
    write("c.yaml", "recipe: r.yaml\ninstrumentation: {price_table: gone.yaml}\n")
    said = cli("run", "--config", "c.yaml", code=2).err
    assert "c.yaml:2:19: instrumentation.price_table: there is no price sheet `gone.yaml`" in said


def test_what_is_unclear_in_a_run_configuration_is_told_with_all_else(cli: Cli, recipe: Path) -> None:
    write("c.yaml", "recipe: gone.yaml\nexecution: {jobs: 010, jbos: 2}\nrun_id: *x\n")
    assert cli("run", "--config", "c.yaml", code=2).err.splitlines()[::2] == [
        "c.yaml:1:1: recipe: there is no file `gone.yaml`",
        "c.yaml:2:19: `010` is octal to some readers of YAML and decimal to others",
        "c.yaml:2:24: execution.jbos: unknown key `jbos`",
        "c.yaml:3:9: `*x` is an alias, which is not allowed",
        "4 problems",
    ]


def test_every_option_of_a_run_can_stand_in_a_run_configuration(cli: Cli, recipe: Path) -> None:
    schema = model_of(RunConfigBlock).model_json_schema()
    keys = {*schema["properties"], *schema["$defs"]["ExecutionBlock"]["properties"]}
    names = {
        "overrides": "set",
        "instrument": "instrumentation",
        "price_table": "instrumentation",
        "capture": "instrumentation",
    }
    options = {names.get(name, name) for name in RunOptions.__struct_fields__}
    assert options - keys == {"instrument_config"}  # it is a file with what this file has itself
    write("c.yaml", "execution: {validate: false, keep_going: true, strict: true}\n")
    said = read_config(Path("c.yaml"))
    assert (said.validate, said.keep_going, said.strict) == (False, True, True)
    assert RunOptions(validate=True, strict=False).over(said) == msgspec.structs.replace(
        said, validate=True, strict=False
    )
