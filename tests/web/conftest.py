"""Runs in a folder, and the dashboard that shows them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, RunTotals
from taximeter.rundir import OutputDir
from taximeter.web.access import Access
from taximeter.web.app import make_app
from tests.runs import Writing, call, plan, stage

HERE = "http://127.0.0.1:8437"


@pytest.fixture
def output(tmp_path: Path) -> OutputDir:
    return OutputDir(tmp_path)


@pytest.fixture
def client(output: OutputDir) -> TestClient:
    return TestClient(make_app(output, Access()), base_url=HERE)


@pytest.fixture
def written(output: OutputDir) -> Callable[..., Writing]:
    """Writes a run of two stages; the first one has a call and made an artifact."""

    def write(run_id: str = "r", **fields: Any) -> Writing:
        stages = [stage(1, "ask", notes="Asks.\nTwice."), stage(2, "tell", needs=("ask",))]
        writing = Writing(output.path, plan(stages, **fields), run_id)
        writing.start("ask")
        writing.sink("ask", call(prompt_tokens=1000, completion_tokens=100, request_ms=5))
        (writing.run.path / "01_stage" / "artifact.jsonl").write_text('{"n": 1}\n')
        (writing.run.path / "01_stage" / "log.1.txt").write_text("begun\n")
        writing.end("ask")
        return writing

    return write


def listed(output: OutputDir, run_id: str, started_at: str | None, **fields: Any) -> None:
    """A line of the manifest, of a run that has ended, and its directory."""
    (output.runs / run_id).mkdir(parents=True, exist_ok=True)
    totals = RunTotals(metered=True, wall_seconds=2.5, calls=3, prompt_tokens=10, cost=None, cost_status=None)
    known = {"ended_at": "2026-01-02T00:00:00Z", "status": "done", "totals": totals, "recipe": "r", **fields}
    manifest.append(output, ManifestLine(run_id, started_at=started_at, **known))


class Served:
    """`taximeter serve` as a process of its own."""

    def __init__(self, output: Path, *arguments: str, port: int = 0, **environment: str) -> None:
        command = [sys.executable, "-m", "taximeter", "serve", "--output-dir", str(output), "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.address = self.said.partition(" ")[0].rstrip("/")
        self.port = int(self.address.rpartition(":")[2]) if self.address else 0

    def close(self) -> str:
        """Ends it as Ctrl-C does; what it said meanwhile."""
        self.process.terminate()
        rest, _ = self.process.communicate(timeout=30)
        return rest


@pytest.fixture
def serve(output: OutputDir) -> Iterator[Callable[..., Served]]:
    """Serves the output folder. What the server complains of is a failure."""
    servers: list[Served] = []

    def start(*arguments: str, **more: Any) -> Served:
        servers.append(Served(output.path, *arguments, **more))
        assert servers[-1].address.startswith("http://"), servers[-1].said
        return servers[-1]

    yield start
    running = [server for server in servers if server.process.returncode is None]
    assert [server.close() for server in running] == [""] * len(running)


@pytest.fixture
def look(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages of a server. Whatever they complain of, or ask for elsewhere, is a failure."""
    contexts, complaints = [], []

    def open_page(address: str, **settings: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        contexts.append(context)
        page = context.new_page()
        origin = "/".join(address.split("/")[:3])
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("a dialog"), dialog.dismiss()))
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
        page.on(
            "request",
            lambda request: None if request.url.startswith((origin, "data:")) else complaints.append(request.url),
        )
        page.complaints = complaints
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
