"""`taximeter usage` on recorded bodies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from taximeter.cli import usage
from taximeter.errors import SetupError

CHAT = (
    '{"id":"c","object":"chat.completion","model":"gpt-5","choices":[],'
    '"usage":{"prompt_tokens":100000,"completion_tokens":7,"total_tokens":100007}}'
)
MESSAGE = (
    '{"id":"m","type":"message","model":"claude-x","usage":{"input_tokens":3,"output_tokens":550,'
    '"cache_creation_input_tokens":12304,"cache_creation":{"ephemeral_5m_input_tokens":12304}}}'
)


def invoke(text: str | bytes, *arguments: str) -> Result:
    return CliRunner().invoke(usage.command, ["-", *arguments], input=text, catch_exceptions=False)


def test_a_table_and_what_contradicts_itself() -> None:
    shown = invoke(CHAT.replace("100007", "100008")).stdout
    assert "gpt-5  openai    done         100k" in shown
    assert (
        "gpt-5 inconsistent, taken as given: total_tokens 100008 != prompt_tokens + completion_tokens 100007" in shown
    )


def test_json_lines_are_one_response_each() -> None:
    printed = json.loads(invoke(f"{CHAT}\n\n{MESSAGE}\n", "--json").stdout)
    assert printed["schema_version"] == "usage_v1"
    first, second = printed["responses"]
    assert (first["line"], second["line"]) == (1, 3)
    assert second["readings"] == [
        {
            "status": "done",
            "provider": "anthropic",
            "operation": "chat",
            "response_model": "claude-x",
            "response_id": "m",
            "processing": "sync",
            "usage_source": "provider",
            "usage": {
                "input_tokens": 12307,
                "output_tokens": 550,
                "cache_write_input_tokens": 12304,
                "cache_write_by_ttl": {"5m": 12304},
            },
            "inconsistent": [],
            "usage_raw": {},
        }
    ]


def test_a_response_that_does_not_say_is_missing_and_not_0() -> None:
    (response,) = json.loads(invoke('{"object":"chat.completion","choices":[]}', "--json").stdout)["responses"]
    assert (response["readings"][0]["usage_source"], response["readings"][0]["usage"]) == ("missing", {})


def test_the_provider_can_be_named() -> None:
    (response,) = json.loads(invoke(CHAT, "--json", "--provider", "azure").stdout)["responses"]
    assert response["readings"][0]["provider"] == "azure"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "there is no response in this file"),
        ("{}", None, "no response of a known provider looks like this"),
        ("so", 1, "neither JSON nor a stream of events"),
        (f"{CHAT}\nso", 2, "it is not JSON"),
        (CHAT.replace(":7,", ":-7,"), None, "completion_tokens must be a whole number from 0 to 2**63 - 1, not -7"),
        (b"\xff\xfe\n\xff", 1, "it is not JSON"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str | bytes, line: int | None, message: str) -> None:
    with pytest.raises(SetupError) as raised:
        invoke(text)
    assert message in raised.value.problems[0].message
    assert raised.value.problems[0].line == line
    assert raised.value.problems[-1].hint


def test_what_can_be_read_is_shown_beside_what_cannot(tmp_path: Path) -> None:
    file = tmp_path / "bodies.jsonl"
    file.write_text(f"{CHAT}\n{{torn\n")
    done = subprocess.run(
        [sys.executable, "-m", "taximeter", "usage", str(file), "--json"], capture_output=True, text=True
    )
    assert done.returncode == 2
    good, bad = json.loads(done.stdout)["responses"]
    assert good["readings"][0]["usage"]["output_tokens"] == 7
    assert (bad["line"], "not JSON" in bad["error"]) == (2, True)
    assert "bodies.jsonl:2: it is not JSON" in done.stderr


def test_a_narrow_terminal_keeps_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = invoke(MESSAGE).stdout
    assert max(map(len, shown.splitlines())) <= 40
    assert "12,307" in shown


def test_foreign_text_does_not_reach_the_terminal_as_it_is() -> None:
    assert "\x1b" not in invoke(CHAT.replace("gpt-5", "\\u001b[31mred")).stdout
