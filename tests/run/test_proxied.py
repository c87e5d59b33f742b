"""Runs whose calls go through a proxy of their own: programs in any language, by the variables that SDKs read."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taximeter.budget import NO_BUDGET
from taximeter.errors import RunDirError
from taximeter.journal.reader import RESERVED, LineReader
from taximeter.recipe.plan import Instrumentation, PlannedStage
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.run import proctree
from taximeter.run.proxied import Direct, Proxy, proxy_of
from taximeter.rundir import RunDir
from tests.capture.server import Server
from tests.run.pipelines import TAXIMETER, here
from tests.stages import MARK, marked, wait_until

__all__ = ["here"]  # a fixture
pytestmark = [pytest.mark.usefixtures("here"), pytest.mark.slow]

CURL = """curl -sSf "$OPENAI_BASE_URL/chat/completions" --json '{"model": "big", "messages": []}' >/dev/null"""
SDKS = """
import asyncio, os
import anthropic, openai
from google import genai
from mistralai.client import Mistral

said = [{"role": "user", "content": "what?"}]
whole = {"model": "m", "messages": said}
sdk, later = openai.OpenAI(api_key="k"), openai.AsyncOpenAI(api_key="k")
sdk.chat.completions.create(**whole)
list(sdk.chat.completions.create(**whole, stream=True))
claude, claude_later = anthropic.Anthropic(api_key="k"), anthropic.AsyncAnthropic(api_key="k")
claude.messages.create(**whole, max_tokens=9)
gemini = genai.Client(api_key="k")
gemini.models.generate_content(model="m", contents="what?")
list(gemini.models.generate_content_stream(model="m", contents="what?"))

async def rest():
    await later.chat.completions.create(**whole)
    await claude_later.messages.create(**whole, max_tokens=9)
    await gemini.aio.models.generate_content(model="m", contents="what?")

asyncio.run(rest())
url = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
Mistral(api_key="k", server_url=url).chat.complete(**whole)
"""
ASK = """
import openai
sdk = openai.OpenAI(api_key="k")
sdk.chat.completions.create(model="big", messages=[{"role": "user", "content": "what?"}])
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def fresh(server: Server) -> None:
    server.seen.clear()


@pytest.fixture
def environment(server: Server) -> dict[str, str]:
    """The real server is where the driver's own variable points."""
    return os.environ | {"OPENAI_BASE_URL": f"{server.url}/v1", "no_proxy": "127.0.0.1"}


def execute(command: list[str], environment: dict[str, str], *flags: str, code: int = 0) -> str:
    argv = [*TAXIMETER, "exec", "--run-id", "r", "--price-table", "prices.yaml", "--quiet", *flags, "--", *command]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def report(run: str = "output/runs/r") -> RunInstrumentation:
    return build(RunDir(Path(run)))


def stage(stage_id: str = "a b/c", env: dict[str, str] | None = None) -> PlannedStage:
    return PlannedStage(index=1, id=stage_id, stage="s", folder="01_s", out="", command="true", env=env or {})


def test_a_program_in_any_language_is_seen_and_its_calls_are_its_own(environment: dict[str, str]) -> None:
    assert execute(["bash", "-c", f"{CURL}; {CURL}"], environment, "--proxy") == ""
    [row] = report().stages
    totals = row.llm_totals
    assert (row.id, totals.calls, totals.prompt_tokens, totals.completion_tokens) == ("bash", 2, 50, 14)
    assert report().totals.cost is not None


def captured_by() -> Counter[str | None]:
    """Who has recorded the calls of the run."""
    lines = (line for path in Path("output/runs/r/events").iterdir() for line in LineReader(path, end=RESERVED).lines())
    events = (json.loads(line.data) for line in lines)
    return Counter(event["captured_by"] for event in events if event["schema_version"] == "call_v1")


def test_a_python_program_counts_once_and_what_it_tells_as_well_is_no_second_call(environment: dict[str, str]) -> None:
    told = "import taximeter\ntaximeter.log_llm_usage('big', 25, 7)\n"
    Path("ask.py").write_text(f"{ASK}{told}")
    Path("isolated.py").write_text(ASK)
    execute(["sh", "-c", f"{sys.executable} ask.py; {sys.executable} -I isolated.py"], environment, "--proxy")
    assert captured_by() == {"openai": 1, "proxy": 1}
    [row] = report().stages
    assert (row.llm_totals.calls, row.llm_totals.missing_usage_calls) == (2, 0)
    assert row.attempts[0].uncaptured is None


def test_every_sdk_says_to_the_proxy_that_it_has_recorded(server: Server, environment: dict[str, str]) -> None:
    Path("sdks.py").write_text(SDKS)
    upstreams = {"ANTHROPIC_BASE_URL": server.url, "GOOGLE_GEMINI_BASE_URL": server.url}
    execute([sys.executable, "sdks.py"], environment | upstreams, "--proxy")
    assert captured_by() == {"openai": 3, "anthropic": 2, "google-genai": 3, "mistralai": 1}
    assert len(server.seen) == 9
    assert report().totals.calls == 9


def test_stages_of_a_recipe_and_each_of_their_attempts(environment: dict[str, str]) -> None:
    stages = [
        {"id": "one", "run": f"{CURL}; [ $TAXIMETER_ATTEMPT = 2 ]", "retries": {"count": 1}},
        {"id": "two", "run": f"{CURL}; {CURL}", "needs": ["one"]},
        {"id": "own", "run": f"{CURL}", "needs": ["one"], "env": {"OPENAI_BASE_URL": environment["OPENAI_BASE_URL"]}},
    ]
    text = {"instrumentation": {"enabled": True, "price_table": "prices.yaml", "capture": "proxy"}, "stages": stages}
    Path("recipe.yaml").write_text(json.dumps(text))
    subprocess.run(
        [*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], env=environment, check=True, capture_output=True
    )
    assert {row.id: row.llm_totals.calls for row in report().stages} == {"one": 2, "two": 2, "own": 0}
    assert {call.attempt for row in report().stages if row.id == "one" for call in row.llm_calls} == {1, 2}


def test_shards_of_a_stage(environment: dict[str, str]) -> None:
    Path("rows.jsonl").write_text("{}\n{}\n{}\n")
    stages = [
        {"id": "a b", "run": f"{CURL}; {CURL}; cat {{inputs.rows}}", "inputs": {"rows": "rows.jsonl"}, "shards": 2}
    ]
    text = {"instrumentation": {"enabled": True, "price_table": "prices.yaml", "capture": "proxy"}, "stages": stages}
    Path("recipe.yaml").write_text(json.dumps(text))
    subprocess.run(
        [*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], env=environment, check=True, capture_output=True
    )
    (row,) = report().stages
    assert [(shard.shard, shard.llm_totals.calls) for shard in row.shards] == [(0, 2), (1, 2)]


def test_a_driver_that_is_killed_leaves_no_proxy_and_loses_no_call(environment: dict[str, str]) -> None:
    mark = uuid.uuid4().hex
    argv = [*TAXIMETER, "exec", "--run-id", "r", "--proxy", "--", "bash", "-c", f"{CURL}; echo asked; sleep 600"]
    with subprocess.Popen(argv, env=environment | {MARK: mark}, stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"asked\n"
        driver.kill()
    assert wait_until(lambda: not marked(mark)), marked(mark)
    assert (report().status, report().totals.calls) == ("lost", 1)


def leads_a_session(below: int) -> bool:
    """Whether a process below this one does."""
    with contextlib.suppress(ProcessLookupError):
        return any(os.getsid(process.pid) == process.pid for process in proctree.walk([below])[1:])
    return False


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_a_signal_before_the_command_has_started_ends_it_all_the_same(
    environment: dict[str, str], send: Callable[[int, int], None]
) -> None:
    argv = [*TAXIMETER, "exec", "--run-id", "r", "--quiet", "--proxy", "--", "sleep", "600"]
    with subprocess.Popen(argv, env=environment, start_new_session=True) as driver:
        assert wait_until(lambda: leads_a_session(below=driver.pid))  # the proxy is being started: it takes a while
        send(driver.pid, signal.SIGTERM)
        assert driver.wait(60) == 143
    assert report().status == "cancelled"


def test_a_proxy_that_cannot_start_says_why_and_leaves_no_run(environment: dict[str, str]) -> None:
    told = execute(["touch", "ran"], environment | {"OPENAI_BASE_URL": "nowhere"}, "--proxy", code=2)
    assert told == (
        "taximeter: the proxy did not start: OPENAI_BASE_URL: the address of openai is no http:// or https:// URL; "
        "set it to a URL such as http://127.0.0.1:8000/v1, or unset it\n"
    )
    assert not Path("ran").exists()
    assert not Path("output/runs/r").exists()


@pytest.fixture
def run(here: Path) -> RunDir:
    run = RunDir(here / "output" / "runs" / "r")
    run.create()
    run.lock().close()
    return run


def test_only_a_metered_run_that_asks_for_it_has_a_proxy(run: RunDir) -> None:
    for instrumentation in (Instrumentation(False, capture="proxy"), Instrumentation(True)):
        proxy = proxy_of(instrumentation, run)
        assert isinstance(proxy, Direct)
        assert proxy.variables({}, stage(), 1) == {}


def test_a_proxy_that_dies_is_told_once(run: RunDir) -> None:
    proxy = Proxy.start(run, NO_BUDGET)
    proxy._process.send_signal(signal.SIGKILL)
    proxy._process.wait()
    with pytest.raises(ChildProcessError, match="the proxy ended before the run did"):
        proxy.close()
    proxy.close()


def test_variables_name_stage_and_attempt_and_lead_past_another_proxy(run: RunDir) -> None:
    proxy = Proxy.start(run, NO_BUDGET)
    try:
        told = proxy.variables({}, stage(), 2)
        outer = proxy.variables({"HTTP_PROXY": "http://outer:3128", "NO_PROXY": "x"}, stage(), 2)
        own = proxy.variables({}, stage(env={"OPENAI_BASE_URL": "http://own"}), 2)
    finally:
        proxy.close()
    address = told.pop("TAXIMETER_PROXY")
    assert all(url.startswith(f"{address}/s/a%20b%2Fc/a/2/") for url in told.values())
    assert told.keys() == {"OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL"}
    assert outer == told | {"TAXIMETER_PROXY": address, "no_proxy": "x,127.0.0.1", "NO_PROXY": "x,127.0.0.1"}
    assert own.keys() == (told.keys() | {"TAXIMETER_PROXY"}) - {"OPENAI_BASE_URL"}
    with pytest.raises(RunDirError, match=r"the proxy did not start: .*is not the directory of a run"):
        Proxy.start(RunDir(run.path / "snapshots"), NO_BUDGET)
