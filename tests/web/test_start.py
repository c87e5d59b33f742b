"""`taximeter serve` says where it answers, to people and to programs."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen


def test_a_program_is_told_where_it_answers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "taximeter", "serve", "--json", "--port", "0", "--output-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        assert (told["schema_version"], told["output_dir"]) == ("serve_v1", str(tmp_path))
        with urlopen(told["address"]) as answer:
            assert answer.status == 200
        server.terminate()
        assert server.wait(timeout=30) == 0
