"""What looks like a secret, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from taximeter.redact import hide, is_named_secret, silent, without_secrets
from taximeter.rundir import new_run_id


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://me:hush@host/x?y", "see https://***@host/x?y"),
        ("curl -H 'Authorization: Bearer abcdefgh1234' x", "curl -H 'Authorization: *** ***' x"),
        ("tool --api-key hush --max-tokens 500", "tool --api-key *** --max-tokens 500"),
        ("tool --api-key={params.key} --token $TOKEN", "tool --api-key={params.key} --token $TOKEN"),
        ("OPENAI_API_KEY='hush' tool", "OPENAI_API_KEY='***' tool"),
        ("use sk-proj-0123456789", "use ***"),
        (
            "tool --pass hush --db-auth=hush MYSQL_PWD=hush DB_DSN=hush",
            "tool --pass *** --db-auth=*** MYSQL_PWD=*** DB_DSN=***",
        ),
        ("TOOL --API-KEY hush Api_Token: hush", "TOOL --API-KEY *** Api_Token: ***"),
        ("HTTPS://me:hush@host bEARER abcdefgh1234", "HTTPS://***@host bEARER ***"),
        (
            "über api_key=hush, \u017fecret=hush, api_\u212aey=hush",
            "über api_key=***, \u017fecret=***, api_\u212aey=***",
        ),
        ("AKIA0123456789AB AIza0123456789abcdefghij eyJhbGciOiJI.eyJzdWIi", "*** *** ***"),
        ("PWD=/home/me first pass: 12, bypass=yes, author=me", "PWD=/home/me first pass: 12, bypass=yes, author=me"),
        ("the secret is out, and so is the password", "the secret is out, and so is the password"),
        ("the parameter `api_key` is missing", "the parameter `api_key` is missing"),
        ("curl 'https://host/x?sig=hush&page={n}'", "curl 'https://host/x?sig=***&page={n}'"),
        ("tool 3f786850e387550fdab836ed7e6dc881de23001b", "tool ***"),
        ("tool 6f1ed002-ab55-4e91-9d2c-b4fdd3a4f5f4 -v", "tool *** -v"),
        ("tool xkqjzvwpfhtbnmrd", "tool ***"),
        ("AbCdEfGhIjKlMnOpQrStUv/wxyz", "***/wxyz"),
        ("claude-3-5-sonnet-20241022 gpt-4o-mini-2024-07-18", "claude-3-5-sonnet-20241022 gpt-4o-mini-2024-07-18"),
        ("/tmp/tmp8k2jd0qx/straightforward_instrumentation", "/tmp/tmp8k2jd0qx/straightforward_instrumentation"),
        (
            "ThreadingHTTPServer runInstrumentation checkpoint000123",
            "ThreadingHTTPServer runInstrumentation checkpoint000123",
        ),
        ("events/driver-3fa94c81d02e.jsonl xxxxxxxxxxxxxxxx", "events/driver-3fa94c81d02e.jsonl xxxxxxxxxxxxxxxx"),
        ("output/runs/some-run-20261126T120000Z-abcdef/01_a", "output/runs/some-run-20261126T120000Z-abcdef/01_a"),
    ],
)
def test_text_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_a_run_is_no_secret_whatever_its_random_digits_are() -> None:
    for _ in range(1000):
        told = f"cannot make output/runs/{new_run_id('agent', datetime.now(UTC))}: there is no room"
        assert without_secrets(told) == told


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "SSH_AUTH_SOCK", "author", "bypass", "max_tokens", "monkey"])
def test_names_of_no_secrets(name: str) -> None:
    assert not is_named_secret(name)


@pytest.mark.parametrize(
    "name", ["DB_PASS", "MYSQL_PWD", "SENTRY_DSN", "X-Api-Key", "Cookie", "GPG_PASSPHRASE", "auth"]
)
def test_names_of_secrets(name: str) -> None:
    assert is_named_secret(name)


def test_values_are_silent_about_what_has_the_name_of_a_secret() -> None:
    value = {"api_key": "hush", "max_tokens": 5, "list": ["--token", "hush", "--token", "{x}", "y"], "n": [None, 1.5]}
    assert silent(value) == {
        "api_key": "***",
        "max_tokens": 5,
        "list": ["--token", "***", "--token", "{x}", "y"],
        "n": [None, 1.5],
    }


def test_a_value_that_is_known_to_be_secret_is_hidden_wherever_it_stands() -> None:
    hide(["correct horse", "short", "100000"])
    assert without_secrets("no correct horse; incorrect horses are shown") == "no ***; incorrect horses are shown"
    assert without_secrets("a short word of 100000") == "a short word of 100000"
