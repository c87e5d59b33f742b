"""From an event in one process to the live page of another: `python benchmarks/scale.py latency [calls]`.

A program with the recorder logs one call after the other and sends them over HTTP to `taximeter serve --collect`; a
reader listens to the stream from which the page of the run is drawn. Told is the time from the line that logs a call to
the figures on the stream that have it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection

PROGRAM = """
import sys, time, taximeter
taximeter.enable(sink=sys.argv[1], run_id="service")
with taximeter.record_stage("answer"):
    for line in sys.stdin:
        at = time.time()
        taximeter.log_llm_usage("gpt-5", prompt_tokens=100, completion_tokens=10)
        print(at, flush=True)
"""


def calls_on_the_page(port: int) -> Iterator[int]:
    """The number of calls each time that the stream tells of it."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/api/live?run=service")
    answer = connection.getresponse()
    for line in answer:
        if line.startswith(b"data: "):
            totals = json.loads(line[6:]).get("parts", {}).get("totals")
            if totals:
                yield totals["calls"]


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as folder:
        server = [sys.executable, "-m", "taximeter", "serve", "--collect", "--port", "0", "--output-dir", folder]
        with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as serving:
            assert serving.stdout is not None
            address = serving.stdout.readline().split()[0]
            environment = os.environ | {"XDG_STATE_HOME": f"{folder}/state"}
            program = [sys.executable, "-c", PROGRAM, address]
            with subprocess.Popen(
                program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            ) as sending:
                took = measure(sending, int(address.rstrip("/").rpartition(":")[2]), calls)
            serving.terminate()
    took.sort()
    print(f"{calls} calls: median {statistics.median(took):.2f} s, most {took[-1]:.2f} s")


def measure(sending: subprocess.Popen[str], port: int, calls: int) -> list[float]:
    assert sending.stdin is not None
    assert sending.stdout is not None
    took = []
    page: Iterator[int] | None = None
    for number in range(1, calls + 1):
        sending.stdin.write("\n")
        sending.stdin.flush()
        at = float(sending.stdout.readline())
        if page is None:
            time.sleep(2)  # until the run is there
            page = calls_on_the_page(port)
        while next(page) < number:
            pass
        if number > 1:
            took.append(time.time() - at)
        time.sleep(0.3)
    sending.stdin.close()
    return took


if __name__ == "__main__":
    main()
