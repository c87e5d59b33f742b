"""Keys and prompts go through, and are nowhere else: not in a file, not in what is printed, not in an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx

from tests.proxy.conftest import Start
from tests.proxy.upstream import Provider

CANARY = "cAnArY7secret"
PLACES = [
    ("/openai/v1/chat/completions", {"authorization": f"Bearer sk-{CANARY}"}, ""),
    ("/anthropic/v1/messages", {"x-api-key": CANARY, "cookie": f"a={CANARY}"}, ""),
    ("/gemini/v1beta/models/gemini-x:generateContent", {"x-goog-api-key": CANARY}, f"key={CANARY}"),
    ("/openai/v1/embeddings", {"api-key": CANARY, "x-custom": CANARY}, f"api-key={CANARY}&token={CANARY}"),
    ("/openai/v1/models", {"authorization": CANARY}, f"key={CANARY}"),
    (f"/nobody/{CANARY}", {"authorization": CANARY}, f"key={CANARY}"),
]


def test_keys_and_prompts_go_through_and_are_written_nowhere(start: Start, upstream: Provider, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("wb") as stderr:
        proxy = start("--run-id", "canary", "--upstream-timeout", "0.5", stderr=stderr)
        answers = []
        for script in ("", "status=401", "broken", "silent", "odd", "gzip"):
            for path, headers, query in PLACES[:1] if script == "silent" else PLACES:
                body = {"model": "m", "stream": script == "broken", "messages": [{"role": "user", "content": CANARY}]}
                given = headers | {"x-script": script, "x-taximeter-stage": "s"}
                try:
                    answers.append(httpx.post(f"{proxy.address}{path}?{query}", json=body, headers=given).text)
                except httpx.TransportError as error:
                    assert script == "broken", error
        with httpx.stream(
            "POST",
            f"{proxy.address}{PLACES[0][0]}",
            json={"model": "m", "stream": True},
            headers={"authorization": CANARY},
        ):
            pass
        calls = proxy.calls()
    assert len(calls) > 15
    got = [request for request in upstream.requests if CANARY in f"{request.headers}{request.target}"]
    assert len(got) > 20, "they do go through"
    own = [answer for answer in answers if "taximeter proxy" in answer]
    assert len(own) > 5
    assert CANARY not in "".join(own)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
    shown = subprocess.run(
        [sys.executable, "-m", "taximeter", "show", str(proxy.run.path), "--json"], capture_output=True, check=True
    )
    assert CANARY.encode() not in shown.stdout + shown.stderr
