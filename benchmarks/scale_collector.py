"""Events a second into `taximeter serve --collect`, load generator included, as JSON lines and as OTLP.

`python benchmarks/scale.py collector [events] [rounds]`: a collector and two senders, each a process, on one machine.
Batches of 1,000 calls are made before; each sender posts its own one after the other over one connection, plain and
compressed as the recorder sends them. The clock runs from the first request to the last answer.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import msgspec
from scale_warehouse import BEGIN, call

SENDERS, BATCH = 2, 1_000
Make = Callable[[str, int], bytes]
encode = msgspec.json.Encoder().encode


def lines(process: str, first: int) -> bytes:
    calls = (call(process, seq, BEGIN + seq * 0.05) for seq in range(first, first + BATCH))
    return b"\n".join(map(encode, calls)) + b"\n"


def packed(process: str, first: int) -> bytes:
    return zlib.compress(lines(process, first), 1, 31)


def otlp(process: str, first: int) -> bytes:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from taximeter.semconv import call_attributes

    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add(key="service.name")
    attribute.value.string_value = process
    spans = resource_spans.scope_spans.add().spans
    for seq in range(first, first + BATCH):
        at = int((BEGIN + seq * 0.05) * 1e9)
        span = spans.add(name="chat", start_time_unix_nano=at, end_time_unix_nano=at + 800_000_000)
        span.trace_id, span.span_id = seq.to_bytes(16, "big"), (seq + 1).to_bytes(8, "big")
        for name, value in call_attributes(call(process, seq, BEGIN)).items():
            held = span.attributes.add(key=name).value
            kind = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}[type(value)]
            setattr(held, kind, value)
    return request.SerializeToString()


FORMS: dict[str, tuple[str, Make, dict[str, str]]] = {
    "JSON lines": ("/v1/events", lines, {}),
    "JSON lines, gzip": ("/v1/events", packed, {"Content-Encoding": "gzip"}),
    "OTLP, protobuf": ("/v1/traces", otlp, {"Content-Type": "application/x-protobuf"}),
}


def send(port: int, form: str, process: str, batches: int, start: multiprocessing.synchronize.Barrier) -> None:
    path, make, headers = FORMS[form]
    bodies = [make(process, number * BATCH) for number in range(batches)]
    connection = HTTPConnection("127.0.0.1", port)
    start.wait()
    for body in bodies:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        if path == "/v1/events":
            assert json.loads(content)["accepted"] == BATCH, content
    start.wait()
    connection.close()


def turn(form: str, events: int) -> tuple[float, float, float]:
    """Events a second, the collector's CPU seconds a million events, and its largest memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "taximeter", "serve", "--collect", "--port", "0", "--output-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = int(server.stdout.readline().split("/")[2].rpartition(":")[2])
            start = multiprocessing.Barrier(SENDERS + 1)
            batches = events // SENDERS // BATCH
            senders = [
                multiprocessing.Process(target=send, args=(port, form, f"p{n}", batches, start)) for n in range(SENDERS)
            ]
            for sender in senders:
                sender.start()
            start.wait()
            began = time.perf_counter()
            start.wait()
            took = time.perf_counter() - began
            memory = _memory(server.pid)
            for sender in senders:
                sender.join()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            server.terminate()
            server.wait()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return batches * BATCH * SENDERS / took, cpu / events * 1e6, memory


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 400_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    turns = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form in FORMS:
            turns[form].append(turn(form, events if "OTLP" not in form else events // 4))
    print(f"{events:,} calls, {SENDERS} senders, {rounds} turns")
    print(f"{'':18} {'events/s':>10} {'CPU µs an event':>16} {'memory':>8}")
    for form, found in turns.items():
        rate, cpu, memory = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{form:18} {rate:10,.0f} {cpu:16.1f} {memory:5.0f} MB")


if __name__ == "__main__":
    main()
