"""A program whose SDKs are hooked, behind the proxy: each call is recorded once, where the program records it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taximeter.rundir import RunDir
from tests.proxy.conftest import Running, calls_in
from tests.proxy.upstream import Provider

PROGRAM = """
import asyncio, os
import anthropic, openai, taximeter
from google import genai

taximeter.enable(run_id="program", output_dir="output")
taximeter.instrument()
PROMPT = [{"role": "user", "content": "hello?"}]
sdk = openai.OpenAI(api_key="sk-x")
sdk.chat.completions.create(model="gpt-5", messages=PROMPT)
list(sdk.chat.completions.create(model="gpt-5", messages=PROMPT, stream=True))
sdk.with_options(max_retries=0).models.list()
anthropic.Anthropic(api_key="x").messages.create(model="claude-x", max_tokens=9, messages=PROMPT)
google = genai.Client(api_key="AIza")
google.models.generate_content(model="gemini-x", contents="hello?")
list(google.models.generate_content_stream(model="gemini-x", contents="hello?"))

async def further():
    await openai.AsyncOpenAI(api_key="sk-x").chat.completions.create(model="gpt-5", messages=PROMPT)
    await google.aio.models.generate_content(model="gemini-x", contents="hello?")

asyncio.run(further())
"""


def run(proxy: Running, folder: Path, **more: str) -> RunDir:
    folder.mkdir()
    environment = os.environ | proxy.told["environment"] | more
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return RunDir(folder / "output" / "runs" / "program")


@pytest.mark.slow
def test_a_call_that_is_captured_is_recorded_once(proxy: Running, upstream: Provider, tmp_path: Path) -> None:
    own = run(proxy, tmp_path / "told")
    sdks = ["openai", "openai", "anthropic", "google-genai", "google-genai", "openai", "google-genai"]
    assert [call.captured_by for call in calls_in(own)] == sdks
    assert not [name for request in upstream.requests for name, _ in request.headers if "taximeter" in name.lower()]
    other = run(proxy, tmp_path / "elsewhere", TAXIMETER_PROXY="http://127.0.0.1:1/s/x")
    assert len(calls_in(other)) == 7
    assert len(proxy.calls()) == 7, "to whom it is not our proxy, nothing is told"
