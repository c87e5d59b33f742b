"""A collector that is killed again and again loses nothing that it has answered for, and writes nothing twice."""

import json
import random
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.web.collect.conftest import Collect, call

SENDERS, ROUNDS, BATCH = 3, 20, 50


class Sender(threading.Thread):
    """Sends batches, each until it is taken, as the recorder does; a batch that was answered for is counted."""

    def __init__(self, process: str, port: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged = 0
        self.duplicates = 0
        self.is_told_to_end = False
        self._process = process
        self._port = port

    def run(self) -> None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=10)) as connection:
            self._send(connection)

    def _send(self, connection: HTTPConnection) -> None:
        while not self.is_told_to_end:
            lines = [call(n, self._process) for n in range(self.acknowledged, self.acknowledged + BATCH)]
            try:
                connection.request("POST", "/v1/events", b"\n".join(lines))
                answer = connection.getresponse()
                said = json.loads(answer.read())
            except (OSError, HTTPException, ValueError):
                connection.close()
                time.sleep(0.02)
                continue
            assert answer.status == 200, said
            assert said["accepted"] + said["duplicate"] == BATCH, said
            self.acknowledged += BATCH
            self.duplicates += said["duplicate"]


@pytest.mark.slow
def test_kill_after_kill_nothing_is_lost_and_nothing_twice(collect: Collect, tmp_path: Path) -> None:
    chance = random.Random(0)
    server = collect()
    senders = [Sender(f"p{n}", server.port) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    for _ in range(ROUNDS):
        time.sleep(0.1 + chance.random() * 0.5)
        server.process.kill()
        server.process.communicate()
        server = collect(port=server.port)
    time.sleep(0.5)
    for sender in senders:
        sender.is_told_to_end = True
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()
        file = tmp_path / f"runs/r/events/{sender._process}.jsonl"
        seqs = [json.loads(line)["event_id"][1] for line in file.read_bytes().splitlines()]
        assert sender.acknowledged > ROUNDS * BATCH / 2
        assert len(seqs) == len(set(seqs))
        assert set(range(sender.acknowledged)) <= set(seqs)
