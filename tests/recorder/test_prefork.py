"""Prefork servers, really started: each worker has its own file, and tells everything once."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taximeter.events import SpanEvent
from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.recorder.events import read_all

APP = """
import os, taximeter
taximeter.enable(run_id="svc", output_dir=os.environ["OUT"])

@taximeter.record_stage("request")
def app(environ, start_response):
    taximeter.log_llm_usage("gpt-5", 10, 1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
SERVICE = """
import contextlib, os, taximeter
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
taximeter.enable(run_id="svc", output_dir=os.environ["OUT"])

@contextlib.asynccontextmanager
async def lifespan(app):
    yield
    taximeter.disable()

@taximeter.record_stage("request")
async def answer(request):
    with taximeter.session(request.path_params["user"]):
        return inner()

@taximeter.span("ask")
def inner():
    taximeter.log_llm_usage("gpt-5", 10, 1)
    return PlainTextResponse("ok")

app = Starlette(routes=[Route("/{user}", answer)], lifespan=lifespan)
"""
PAGE = Path(__file__).parents[2] / "docs" / "services.md"
BROKER = """
import os
folder = os.environ["TAXIMETER_OUTPUT_DIR"] + "/broker"
os.makedirs(folder, exist_ok=True)
options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
app.conf.update(broker_url="filesystem://", broker_transport_options=options)
"""


def requests_told(folder: Path, stage: str = "request") -> list[SpanEvent]:
    found = read_all(folder / "runs")
    assert len({event.event_id for event in found}) == len(found)
    return [e for e in found if isinstance(e, SpanEvent) and e.span == stage and e.ended_at is not None]


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def ask(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := client.recv(4096):
            answer += part
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["late", "preload"])
def test_gunicorn(tmp_path: Path, preload: list[str]) -> None:
    (tmp_path / "service.py").write_text(APP)
    path = tmp_path / "s"
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"unix:{path}", *preload, "service:app"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | {"OUT": str(tmp_path)}, stderr=subprocess.DEVNULL
    ) as server:
        wait_for(path.exists)
        for _ in range(40):
            assert ask(path).endswith(b"ok")
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    told = requests_told(tmp_path)
    assert len(told) == 40
    assert server.pid not in {span.pid for span in told}


@pytest.mark.slow
def test_four_workers_of_uvicorn_that_say_farewell(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    path = tmp_path / "s"
    command = [sys.executable, "-m", "uvicorn", "--workers", "4", "--uds", str(path), "service:app"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | {"OUT": str(tmp_path)}, stderr=subprocess.DEVNULL
    ) as server:
        wait_for(lambda: len(list(tmp_path.glob("runs/svc/events/*"))) == 4)
        wait_for(lambda: path.exists() and ask(path).endswith(b"ok"))
        for _ in range(39):
            assert ask(path).endswith(b"ok")
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    assert len(requests_told(tmp_path)) == 40
    report = build(RunDir(tmp_path / "runs" / "svc"))
    assert (report.status, report.totals.calls) == ("done", 40)
    assert not list(tmp_path.glob("runs/svc/events/*.open")), "all said farewell"


@pytest.mark.slow
def test_the_celery_worker_of_the_page(tmp_path: Path) -> None:
    (program,) = re.findall(r"<!-- file: tasks.py -->\n```python\n(.*?)```", PAGE.read_text(), re.S)
    (tmp_path / "tasks.py").write_text(program + BROKER)
    env = os.environ | {"TAXIMETER_OUTPUT_DIR": str(tmp_path)}
    send = "import tasks\nfor n in range(20): tasks.summarise.delay(n)"
    subprocess.run([sys.executable, "-c", send], cwd=tmp_path, env=env, check=True, timeout=60)
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-c", "2", "-P", "prefork", "-l", "ERROR"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as worker:
        wait_for(lambda: len(requests_told(tmp_path, "summarise")) >= 20)
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    told = requests_told(tmp_path, "summarise")
    assert len(told) == 20
    assert worker.pid not in {span.pid for span in told}
    report = build(RunDir(tmp_path / "runs" / "pages"))
    assert (report.status, report.totals.calls) == ("done", 20)
    assert not list(tmp_path.glob("runs/pages/events/*.open")), "all said farewell"
