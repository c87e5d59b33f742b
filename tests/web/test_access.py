"""Who may ask."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from taximeter.rundir import OutputDir
from taximeter.web.access import Access
from taximeter.web.app import make_app
from tests.web.conftest import HERE

TOKEN = "a-token-of-some-length"


def guarded(output: OutputDir, base: str = HERE, **fields: Any) -> TestClient:
    access = Access(frozenset({"dash.example"}), addresses=True, token=TOKEN)
    return TestClient(make_app(output, access), base_url=base, follow_redirects=False, **fields)


@pytest.mark.parametrize("host", ["127.0.0.1:8437", "localhost", "localhost:1", "[::1]:8437", "127.0.0.9", "LOCALHOST"])
def test_names_of_this_machine_are_known(client: TestClient, host: str) -> None:
    assert client.get("/api/runs", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8437", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.0.7", ""),
        *("user@localhost@evil.example", "[::1", "0x7f000001", "2130706433", "localhost\u00e4"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/runs", "/static/dashboard.css", "/nothing"])
def test_a_name_that_is_not_ours_is_refused(client: TestClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"host": host.encode()})
    assert answer.status_code == 421 and "--allow-host" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_a_page_of_another_site_may_not_ask(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/api/runs", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": HERE},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    ],
)
def test_our_own_pages_may_and_so_may_who_follows_a_link(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it(client: TestClient) -> None:
    for path in ("/", "/api/runs", "/api/runs/none", "/nothing", "/static/list.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin" and headers["referrer-policy"] == "same-origin"


def test_nothing_can_be_changed(client: TestClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/", "/api/runs", "/api/runs/r", "/runs/r", "/api/live"):
            assert client.request(method, path).status_code == 405


def test_without_the_token_nothing_is_shown(output: OutputDir) -> None:
    client = guarded(output)
    for path in ("/api/runs", "/api/live", "/api/runs/r", "/static/list.js", "/viewer/app.js", "/nothing"):
        answer = client.get(path)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    page = client.get("/runs/r", headers={"accept": "text/html"})
    assert page.status_code == 303 and page.headers["location"] == "/login"
    assert "Token" in client.get("/login").text and "That is not the token" in client.get("/login").text


@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\u00e4"])
def test_a_wrong_token_opens_nothing(output: OutputDir, given: str) -> None:
    client = guarded(output)
    assert client.get("/api/runs", headers={"authorization": f"Bearer {given}".encode()}).status_code == 401
    answer = client.post("/login", data={"token": given})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert '<p role="alert">That is not the token.' in answer.text


def test_who_shows_the_token_gets_a_cookie_that_no_script_sees_and_no_other_site_sends(output: OutputDir) -> None:
    client = guarded(output)
    assert client.get("/api/runs", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    answer = client.post("/login", data={"token": f" {TOKEN} "})
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and TOKEN not in answer.headers["set-cookie"]
    assert client.get("/api/runs").status_code == 200


def test_a_cookie_that_was_tampered_with_opens_nothing(output: OutputDir) -> None:
    name, value = Access(token=TOKEN).cookie()
    for cookie in (f"{name}={value[:-1]}0", f"{name}=", f"{name}={TOKEN}", "\x00;;=,", f"other={value}"):
        assert guarded(output).get("/api/runs", headers={"cookie": cookie}).status_code == 401
    assert guarded(output).get("/api/runs", headers={"cookie": f"{name}={value}"}).status_code == 200


def test_a_login_of_another_site_or_without_end_is_refused(output: OutputDir) -> None:
    client = guarded(output)
    assert client.post("/login", data={"token": TOKEN}, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post("/login", data={"token": "x" * 100_000}).status_code == 413


def test_beyond_this_machine_addresses_and_allowed_names_are_known(output: OutputDir) -> None:
    shown = {"authorization": f"Bearer {TOKEN}"}
    for host, status in (("192.168.0.7:8437", 200), ("dash.example", 200), ("evil.example", 421)):
        assert guarded(output).get("/api/runs", headers={"host": host, **shown}).status_code == status
