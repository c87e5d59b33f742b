"""What looks like a secret, and what does not."""

from __future__ import annotations

import pytest

from taximeter.redact import silent, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://me:hush@host/x?y", "see https://***@host/x?y"),
        ("curl -H 'Authorization: Bearer abcdefgh1234' x", "curl -H 'Authorization: *** ***' x"),
        ("tool --api-key hush --max-tokens 500", "tool --api-key *** --max-tokens 500"),
        ("tool --api-key={params.key} --token $TOKEN", "tool --api-key={params.key} --token $TOKEN"),
        ("OPENAI_API_KEY='hush' tool", "OPENAI_API_KEY='***' tool"),
        ("use sk-proj-0123456789", "use ***"),
        ("the secret is out, and so is the password", "the secret is out, and so is the password"),
        ("the parameter `api_key` is missing", "the parameter `api_key` is missing"),
        ("output/runs/some-run-20261126T120000Z-abcdef/01_a", "output/runs/some-run-20261126T120000Z-abcdef/01_a"),
    ],
)
def test_text_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_values_are_silent_about_what_has_the_name_of_a_secret() -> None:
    value = {"api_key": "hush", "max_tokens": 5, "list": ["--token", "hush", "--token", "{x}", "y"], "n": [None, 1.5]}
    assert silent(value) == {
        "api_key": "***",
        "max_tokens": 5,
        "list": ["--token", "***", "--token", "{x}", "y"],
        "n": [None, 1.5],
    }
