"""Secrets that a person puts wherever one can be put are in no file of ours and in nothing that we print."""

from __future__ import annotations

import base64
import json
import os
import random
import string
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

CANARY = "Canary7"
KEYS = {
    "env": f"{CANARY}-of-the-environment",
    "shell": f"{CANARY}-of-the-shell",
    "argument": f"sk-proj-{CANARY}aaaaaaaa",
    "option": f"{CANARY}-behind-an-option",
    "address": f"https://user:{CANARY}@127.0.0.1/x",
    "param": f"{CANARY}-of-a-param",
    "setting": f"{CANARY}-of-a-setting",
    "query": f"https://127.0.0.1/x?page={CANARY}",
    "bare": f"{CANARY}x9Q2mZp4Lk8T",
}


def test_no_secret_gets_into_a_file_of_ours_or_is_printed(tmp_path: Path) -> None:
    seen = "import os, sys; open('seen', 'a').write(os.environ['API_KEY'] + ' '.join(sys.argv))"
    bare = [KEYS["address"], KEYS["argument"], KEYS["query"], KEYS["bare"], KEYS["env"], KEYS["shell"]]
    stages = [
        {
            "id": "list",
            "description": KEYS["argument"],
            "run": [sys.executable, "-c", seen, "--api-key", KEYS["option"], *bare],
            "env": {"API_KEY": KEYS["env"]},
            "params": {"api_key": KEYS["param"]},
        },
        {"id": "shell", "run": f"true --password {KEYS['option']} {KEYS['address']}; exit 3", "needs": ["list"]},
    ]
    recipe = {
        "stages": stages,
        "tags": {"link": KEYS["address"]},
        "settings": {"db_password": KEYS["setting"]},
        "instrumentation": {"enabled": True},
    }
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))
    looks = (["--dry-run"], ["--dry-run", "--json"], ["--dump-plan"])
    for options in (*looks, ["--run-id", "r"], ["--set", KEYS["argument"]]):
        done = subprocess.run(
            [sys.executable, "-m", "taximeter", "run", "r.yaml", *options],
            cwd=tmp_path,
            env=os.environ | {"SECRET_OF_SHELL": KEYS["shell"]},
            capture_output=True,
            text=True,
        )
        assert CANARY not in done.stdout + done.stderr, options
    assert (tmp_path / "seen").read_text().count(CANARY) == 8  # the stage itself gets all of it
    assert files_with_secrets(tmp_path) == []


RANDOM = random.Random(5)
LETTERS = string.ascii_letters + string.digits
RANDOM_KEYS = {
    "hex": RANDOM.randbytes(16).hex(),
    "letters and digits": "".join(RANDOM.choices(LETTERS, k=32)),
    "base64": base64.b64encode(RANDOM.randbytes(24)).decode(),
    "url-safe": base64.urlsafe_b64encode(RANDOM.randbytes(24)).decode(),
    "UUID": str(uuid.UUID(bytes=RANDOM.randbytes(16), version=4)),
    "of AWS": "AKIA" + "".join(RANDOM.choices(string.ascii_uppercase + string.digits, k=16)),
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLXRoaXM",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", RANDOM_KEYS)
def test_a_random_key_is_in_no_file_of_ours_wherever_it_was_put(kind: str, tmp_path: Path) -> None:
    key = RANDOM_KEYS[kind]
    module = {
        "module_id": "m",
        "command": [sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", "{out}", "{params.where}"],
        "default_params": {"where": f"redis://:{key}@127.0.0.1/0"},
        "notes": f"it asks https://127.0.0.1/?sig={key}",
    }
    stages = [
        {"id": "m", "module": "m", "needs": [], "description": f"with {key}"},
        {
            "id": "words",
            "run": ["true", key, f"--opt={key}", f'{{{{"k": "{key}"}}}}', f"https://u:{key}@h/p?q={key}#x"],
        },
        {"id": "shell", "run": f"X={key} true --header 'X-Thing: {key}'; true {key} '{key}'"},
        {"id": "variable", "run": "exit 3", "env": {"ORDINARY": key}, "retries": {"count": 1}},
        {"id": "gone", "run": [f"/nowhere/{key}"]},
        {"id": "said", "run": [sys.executable, "says.py", key]},
    ]
    recipe = {
        "stages": stages,
        "tags": {"who": key},
        "settings": {"deep": [{"x": [key]}]},
        "input": {"x": "r.yaml"},
        "instrumentation": {"enabled": True},
    }
    (tmp_path / "modules.yaml").write_text(json.dumps([module]))
    (tmp_path / "says.py").write_text(SAYS)
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))
    run = ["run", "r.yaml", "--registry", "modules.yaml", "--keep-going", "--run-id", "r"]
    for arguments in (run, [*run, "--skip-done"], ["show", "r"], ["report", "r", "--format", "json"], ["show", key]):
        done = subprocess.run(
            [sys.executable, "-m", "taximeter", *arguments],
            cwd=tmp_path,
            env=os.environ | {"ORDINARY_OF_SHELL": key},
            capture_output=True,
            text=True,
        )
        assert key not in done.stdout + done.stderr, arguments
    files = [path for path in (tmp_path / "output").rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {
        "plan.json",
        "pipeline_state.json",
        "pipeline_events.jsonl",
        "instrumentation.html",
        "run_manifest.jsonl",
    } <= names
    own_words = ("06_said/log.1.txt", "06_said/log.2.txt", "progress.1.jsonl", "progress.2.jsonl")
    found = [str(path) for path in files if key.encode() in path.read_bytes() and not str(path).endswith(own_words)]
    assert found == []


def test_no_secret_of_a_command_gets_into_a_file_of_ours_or_is_printed(tmp_path: Path) -> None:
    words = ["--api-key", KEYS["option"], KEYS["address"], KEYS["argument"], KEYS["query"], KEYS["bare"], KEYS["shell"]]
    command = [sys.executable, "-c", "import sys; open('seen', 'w').write(' '.join(sys.argv)); sys.exit(3)", *words]
    done = subprocess.run(
        [sys.executable, "-m", "taximeter", "exec", "--run-id", "r", "--", *command],
        cwd=tmp_path,
        env=os.environ | {"SECRET_OF_SHELL": KEYS["shell"]},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, CANARY in done.stdout + done.stderr) == (3, False)
    assert (tmp_path / "seen").read_text().count(CANARY) == 6
    assert files_with_secrets(tmp_path) == []


SAYS = """
import sys, taximeter
key = sys.argv[1]
print("my key is", key, flush=True)
taximeter.ProgressLogger().log("said", "running", message=f"with {key}", extra={"x": key})
taximeter.log_llm_usage("m", 1, 1)
with taximeter.record_stage("inner"):
    raise ValueError(f"refused: {key}")
"""
CALLER = """
import json, os, sys, taximeter
taximeter.ProgressLogger().log("x", "running", message=sys.argv[1], extra={"api_key": "Canary7"})
with taximeter.record_stage("inner"):
    raise ValueError("Incorrect API key provided: " + sys.argv[1])
"""
ROW_CLASS = """
from pydantic import BaseModel, field_validator
class Row(BaseModel):
    id: str
    @field_validator("id")
    @classmethod
    def check(cls, value):
        raise ValueError("no such customer: " + value)
"""
SHEET = f"""
version: 1
models:
  - {{model: m, input: 1, output: 1, per: 1M, source: '{KEYS["address"]}'}}
"""


def files_with_secrets(folder: Path) -> list[str]:
    """Files of a run that have one, but those that only a stage itself writes."""
    files = [path for path in (folder / "output").rglob("*") if path.is_file()]
    assert len(files) > 8
    of_stages = ("artifact.jsonl", "progress.1.jsonl")
    return [path.name for path in files if path.name not in of_stages and CANARY.encode() in path.read_bytes()]


@pytest.mark.slow
def test_no_secret_gets_out_by_what_is_said_of_a_failure(tmp_path: Path) -> None:
    key, keyed = KEYS["argument"], f"{KEYS['argument']}.yaml"
    shape = {"type": "object", "properties": {"id": {}}, "additionalProperties": False}
    modules = [
        {"module_id": "closed", "command": "cp closed.row {out}", "output_schema": "closed.json"},
        {"module_id": "class", "command": "cp class.row {out}", "output_schema": "rowclass:Row",
         "notes": f"call it with {key}"},
    ]  # fmt: skip
    stages = [
        {"id": "closed", "module": "closed", "needs": []},
        {"id": "class", "module": "class", "needs": []},
        {"id": "nothing", "run": [f"./{key}"]},
        {"id": "caller", "run": [sys.executable, "caller.py", key]},
        {"id": "reader", "run": "true", "inputs": {"x": keyed}},
    ]
    files = {
        "registry.yaml": json.dumps(modules),
        "closed.row": json.dumps({key: 1}),
        "class.row": json.dumps({"id": key}),
        "closed.json": json.dumps(shape),
        "rowclass.py": ROW_CLASS,
        "caller.py": CALLER,
        keyed: SHEET,
        "r.yaml": json.dumps({"stages": stages}),
        "over.yaml": json.dumps({"settings": {"db_password": KEYS["setting"]}, "input": {"x": keyed}}),
        "config.yaml": json.dumps(
            {
                "recipe": "r.yaml",
                "registry": "registry.yaml",
                "settings": "over.yaml",
                "instrumentation": {"enabled": True, "price_table": keyed},
                "execution": {"keep_going": True},
            }
        ),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for git in (["init", "-q"], ["remote", "add", "origin", KEYS["address"]]):
        subprocess.run(["git", *git], cwd=tmp_path, check=True)
    told = []
    for arguments in (
        ["run", "--config", "config.yaml", "--run-id", "r"],
        ["show", "r"],
        ["show", key],
        ["run", "r.yaml", "--registry", "registry.yaml", "--output-dir", f"/dev/null/{key}"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "taximeter", *arguments], cwd=tmp_path, capture_output=True, text=True
        )
        told.append("\n".join(line for line in (done.stdout + done.stderr).splitlines() if "ValueError" not in line))
    assert [line for page in told for line in page.splitlines() if CANARY in line] == []
    failed = json.loads((tmp_path / "output/runs/r/pipeline_state.json").read_text())["stages"]
    assert {name: state["status"] for name, state in failed.items()} == {
        "closed": "failed", "class": "failed", "nothing": "failed", "caller": "failed", "reader": "done"
    }  # fmt: skip
    assert files_with_secrets(tmp_path) == ["log.1.txt"]  # of `caller`: its own words
