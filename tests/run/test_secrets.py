"""Secrets that a person puts wherever one can be put are in no file of ours and in nothing that we print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CANARY = "Canary7"
KEYS = {
    "env": f"{CANARY}-of-the-environment",
    "argument": f"sk-proj-{CANARY}aaaaaaaa",
    "option": f"{CANARY}-behind-an-option",
    "address": f"https://user:{CANARY}@127.0.0.1/x",
    "param": f"{CANARY}-of-a-param",
    "setting": f"{CANARY}-of-a-setting",
}


def test_no_secret_gets_into_a_file_of_ours_or_is_printed(tmp_path: Path) -> None:
    seen = "import os, sys; open('seen', 'a').write(os.environ['API_KEY'] + ' '.join(sys.argv))"
    stages = [
        {
            "id": "list",
            "description": KEYS["argument"],
            "run": [sys.executable, "-c", seen, "--api-key", KEYS["option"], KEYS["address"], KEYS["argument"]],
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
            env=os.environ | {"SECRET_OF_SHELL": KEYS["env"]},
            capture_output=True,
            text=True,
        )
        assert CANARY not in done.stdout + done.stderr, options
    assert (tmp_path / "seen").read_text().count(CANARY) == 4  # the stage itself gets all of it
    files = [path for path in (tmp_path / "output").rglob("*") if path.is_file()]
    assert len(files) > 8
    assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []
