"""What a proxy must not do, whoever asks it to."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx

from tests.proxy.conftest import Running, started
from tests.proxy.upstream import Provider


def raw(proxy: Running, text: str) -> tuple[int, str]:
    """Sends bytes as they are; gives status and the whole answer."""
    place = urlsplit(proxy.address)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")
    return int(answer.split(" ", 2)[1]), answer


REFUSED = [
    ("GET / HTTP/1.1", 404, "there is no such upstream; there are openai, anthropic"),
    ("GET /evil/v1/models HTTP/1.1", 404, "there is no such upstream"),
    ("GET /127.0.0.1:80/ HTTP/1.1", 404, "there is no such upstream"),
    ("GET //openai/v1/models HTTP/1.1", 404, "there is no such upstream"),
    ("GET http://127.0.0.1:1/openai/v1/models HTTP/1.1", 403, "forwards only to its own upstreams"),
    ("GET https://example.com/ HTTP/1.1", 403, "forwards only to its own upstreams"),
    ("CONNECT example.com:443 HTTP/1.1", 403, "forwards only to its own upstreams"),
    ("OPTIONS * HTTP/1.1", 403, "forwards only to its own upstreams"),
    ("GET /openai/../secret HTTP/1.1", 400, "a path with . or .. segments is not forwarded"),
    ("GET /openai/v1/%2e%2e/%2E%2e/x HTTP/1.1", 400, "a path with . or .. segments is not forwarded"),
    ("GET /openai/v1/..%2fx HTTP/1.1", 400, "a path with . or .. segments is not forwarded"),
    ("GET /openai/v1\\..\\x HTTP/1.1", 400, "a path with . or .. segments is not forwarded"),
    ("GET /s/a%00b/openai/v1/models HTTP/1.1", 400, "the stage that this call is for is no text"),
    (f"GET /s/{'a' * 201}/openai/v1/models HTTP/1.1", 400, "the stage that this call is for is no text"),
    ("GET /a/first/openai/v1/models HTTP/1.1", 400, "the attempt that this call is for is no number"),
    ("GET /r/no-such-run/openai/v1/models HTTP/1.1", 404, "does not lie beside the run of this proxy"),
    ("GET /r/..%2f..%2fx/openai/v1/models HTTP/1.1", 400, "a path with . or .. segments"),
    ("GET /openai/v1/models\x01 HTTP/1.1", 400, ""),
    ("GET /openai/v1/\xe9 HTTP/1.1", 400, ""),
    ("nonsense", 400, ""),
]


def test_a_request_that_leads_elsewhere_is_refused(proxy: Running, upstream: Provider) -> None:
    for line, status, says in REFUSED:
        told = raw(proxy, f"{line}\nHost: 127.0.0.1\nConnection: close\n\n")
        assert (told[0], says in told[1]) == (status, True), f"{line}: {told[1]}"
    assert upstream.requests == []


def test_another_name_for_this_machine_is_refused(proxy: Running, upstream: Provider) -> None:
    """A web page whose name was made to mean 127.0.0.1 calls it by that name."""
    for host in ("example.com", "127.0.0.1.example.com", "evil@example.com", "169.254.169.254", ""):
        status, answer = raw(proxy, f"GET /openai/v1/models HTTP/1.1\nHost: {host}\nConnection: close\n\n")
        assert (status, "by the name of another host" in answer) == (403, True), host
    assert upstream.requests == []


def test_a_path_that_looks_like_an_address_stays_a_path(proxy: Running, upstream: Provider) -> None:
    paths = ("//example.com/x", "/@example.com/", "/v1/x:80@example.com", "/v1/%2F%2Fexample.com", "/v1?url=http://a/")
    for path in paths:
        assert raw(proxy, f"GET /openai{path} HTTP/1.1\nHost: localhost\nConnection: close\n\n")[0] == 200
    assert [request.target for request in upstream.requests] == list(paths)
    assert {request.header("host") for request in upstream.requests} == {urlsplit(upstream.url).netloc}


def test_a_websocket_is_refused_in_words(proxy: Running, upstream: Provider) -> None:
    upgrade = (
        "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\n"
    )
    status, answer = raw(proxy, f"GET /openai/v1/realtime?model=x HTTP/1.1\nHost: localhost\n{upgrade}\n")
    assert (status, "WebSockets are not forwarded" in answer) == (501, True)
    assert upstream.requests == []


def test_a_request_in_a_request_is_not_smuggled(proxy: Running, upstream: Provider) -> None:
    inner = "GET /openai/v1/smuggled HTTP/1.1\nHost: localhost\n\n"
    start, close = "POST /openai/v1/files HTTP/1.1\nHost: localhost\n", "Connection: close\n"
    assert raw(proxy, f"{start}Content-Length: 5\nContent-Length: 50\n\n{inner}")[0] == 400
    assert raw(proxy, f"{start}Transfer-Encoding: chunked, identity\n\n0\n\n{inner}")[0] in (400, 501)
    assert raw(proxy, f"POST /evil HTTP/1.1\nHost: localhost\nContent-Length: {len(inner) + 4}\n\n{inner}")[0] == 404
    assert upstream.requests == []
    told = raw(proxy, f"{start}{close}Content-Length: 3\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n{inner}")
    assert told[0] == 200, told[1]
    [request] = upstream.requests
    assert request.body == b"x"
    framing = [name for name, _ in request.headers if name.lower() in ("content-length", "transfer-encoding")]
    assert len(framing) == 1, "the next server cannot read it in two ways"


def test_an_upstream_that_answers_nonsense_is_a_bad_gateway(proxy: Running, tmp_path: object) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        arguments = ("--output-dir", str(tmp_path), f"--upstream=openai={url}")
        with started(*arguments) as lonely:
            with httpx.Client(timeout=60) as client:
                from concurrent.futures import ThreadPoolExecutor

                with ThreadPoolExecutor() as pool:
                    answer = pool.submit(client.post, f"{lonely.address}/openai/v1/embeddings", json={"model": "m"})
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(b"this is not HTTP\r\n\r\n")
                    assert answer.result().status_code == 502
            assert [call.status for call in lonely.calls()] == ["failed"]
