"""What happens beyond one machine: `python benchmarks/scale.py NAME [ARGUMENTS]`. Each is a script of its own, too."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

SUBJECTS = {
    "collector": "events a second into the collector, as JSON lines and as OTLP",
    "executors": "a thousand shards on each executor, against the engine's own tasks",
    "latency": "from an event on another machine to the live page",
    "warehouse": "rows a second into ClickHouse, and the bytes of a call in every form",
}


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in SUBJECTS:
        sys.exit("\n".join(f"{subject:10} {what}" for subject, what in SUBJECTS.items()))
    path = Path(__file__).with_name(f"scale_{name}.py")
    sys.argv = [str(path), *sys.argv[2:]]
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
