"""What `enable()` and the sinks say of what a program or its environment gives them, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import taximeter
from taximeter.cli.failure import page
from taximeter.errors import RunDirError, SetupError
from taximeter.recorder.options import Options
from taximeter.recorder.sinks.http import HttpSink

WRITE_AS = "    write it as http://HOST:PORT or https://HOST/PATH"
SINKS = "jsonl:, memory:, http:, https:, otlp+http:, otlp+https:"
UNITS = "s, m, h, d, kB, KiB, MB, MiB, GB, GiB"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    Path("none.yaml").write_text("models: {}\n")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"sink": "jsonl:"},
            "the sink jsonl: names no file\n    write jsonl:PATH, such as jsonl:events.jsonl",
        ),
        (
            {"sink": "kafka:topic"},
            f"there is no sink 'kafka'\n    begin with one of {SINKS}, such as jsonl:PATH",
        ),
        ({"sink": "http://"}, f"events cannot be sent to 'http://': it names no host\n{WRITE_AS}"),
        (
            {"sink": "http://me:hush@host/"},
            "events cannot be sent to 'host/': a secret does not belong into an address: put the token into "
            f"TAXIMETER_HTTP_TOKEN\n{WRITE_AS}",
        ),
        (
            {"sink": "http://host/a b"},
            "events cannot be sent to 'http://host/a b': its path has characters that must be percent-encoded\n"
            f"{WRITE_AS}",
        ),
        (
            {"sink": "http://host:99999"},
            f"events cannot be sent to 'http://host:99999': Port out of range 0-65535\n{WRITE_AS}",
        ),
        (
            {"sink": "memory:", "roll": "soon"},
            f"roll cannot be 'soon'\n    write a whole number and one of {UNITS}, such as 1d",
        ),
        (
            {"run_id": "../x"},
            "the run id '../x' cannot name a directory\n"
            "    use letters, digits, '.', '_' and '-', at most 80, and begin with a letter or a digit",
        ),
        (
            {"sink": "memory:", "budget": "cost=much"},
            "budget: the budget 'cost=much' cannot be used: cost=much is not an amount",
        ),
        (
            {"sink": "memory:", "budget": "on_unpriced=warn"},
            "budget: the budget 'on_unpriced=warn' cannot be used: it has no limit: give cost, tokens, calls or wall",
        ),
        (
            {"sink": "memory:", "budget": "euros=5"},
            "budget: the budget 'euros=5' cannot be used: 'euros=5' is no limit: write "
            "cost=5.00,tokens=1000000,calls=500,wall=1800",
        ),
        (
            {"sink": 5},
            "5 is no sink: it has no emit and no flush and no close\n"
            "    name a file, as jsonl:PATH, or give an object with these methods",
        ),
        ({"sink": []}, "no sink is named\n    write jsonl:PATH, such as jsonl:events.jsonl"),
        (
            {"sink": "memory:", "tags": "team=x"},
            "tags: tags must be a mapping of labels, such as {'team': 'x'}, not a value of type str",
        ),
        (
            {"sink": "memory:", "redact": True},
            "redact: redact must be a function of an event, which gives what may be kept of it, not True",
        ),
        ({"sink": "memory:", "roll": 5}, f"roll cannot be 5\n    write a whole number and one of {UNITS}, such as 1d"),
        (
            {"sink": "memory:", "budget": 5, "rate_card_path": "none.yaml"},
            "budget: the price sheet has no prices, so no cost can be limited\n"
            "    give it prices, or limit tokens or calls",
        ),
        (
            {"sink": "memory:", "budget": "cost=5,on_unpriced=shrug"},
            "budget: the budget 'cost=5,on_unpriced=shrug' cannot be used: on_unpriced is warn or stop, not 'shrug'",
        ),
    ],
)
def test_what_cannot_be_set_up_is_told_on_one_page_and_nothing_is_on(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SetupError) as caught:
        taximeter.enable(**given)
    assert page(caught.value) == told
    assert not taximeter.is_enabled()
    assert taximeter.enable(sink="memory:").options == Options(), "and nothing of it stays"
    taximeter.disable()


def test_what_is_refused_leaves_a_recorder_that_is_on_as_it_was() -> None:
    recorder = taximeter.enable(sink="memory:", budget="calls=1", tags={"n": 1})
    sink, options, purse = recorder.sink, recorder.options, recorder.purse
    for wrong in ({"tags": [1]}, {"sink": object()}, {"budget": 5, "rate_card_path": "none.yaml"}, {"sample": "all"}):
        with pytest.raises((SetupError, ValueError)):
            taximeter.enable(**wrong)
    assert (recorder.sink, recorder.options, recorder.purse) == (sink, options, purse)
    taximeter.log_llm_usage("m", 1, 1)
    assert recorder.get_all_events()[-1]["tags"] == {"n": "1"}
    taximeter.disable()


def test_prices_that_cannot_be_read_leave_no_run_behind() -> None:
    with pytest.raises(SetupError, match=r"missing\.yaml"):
        taximeter.enable(rate_card_path="missing.yaml")
    assert not Path("output").exists()


def test_a_run_that_cannot_hold_its_prices_is_named() -> None:
    Path("out/runs/r/snapshots/pricing.json/x").mkdir(parents=True)
    with pytest.raises(SetupError, match="cannot write a run there: Is a directory") as caught:
        taximeter.enable(output_dir="out", run_id="r")
    assert str(Path("out/runs/r").absolute()) in str(caught.value)
    assert not taximeter.is_enabled()


def test_a_service_without_counters_is_told_at_once() -> None:
    taximeter.enable(sink="memory:")
    with pytest.raises(SetupError, match="a value of type object has no counters to read"):
        taximeter.attach(object())  # type: ignore[arg-type]
    assert taximeter.get_recorder().service is None
    taximeter.disable()


def test_a_file_for_events_has_to_be_in_a_folder() -> None:
    with pytest.raises(SetupError) as caught:
        taximeter.enable(sink="jsonl:file/events.jsonl")
    assert page(caught.value) == (
        f"{Path('file/events.jsonl').absolute()}: cannot write events there: File exists\n"
        "    name a file in a folder that this process may write to, as `jsonl:PATH`"
    )


def test_a_sample_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"^sample must be a share from 0 to 1, not 1\.5$"):
        taximeter.enable(sink="memory:", sample=1.5)


def test_a_place_for_runs_has_to_be_a_folder() -> None:
    with pytest.raises(RunDirError) as caught:
        taximeter.enable(output_dir="file", run_id="r")
    where = Path("file/runs/r").absolute()
    assert str(caught.value) == f"cannot make {where}: Not a directory; name another place with --output-dir"


def test_a_run_that_is_there_has_to_be_a_folder_that_can_be_written() -> None:
    Path("out/runs/r").mkdir(parents=True)
    Path("out/runs/r/snapshots").write_text("")
    with pytest.raises(SetupError) as caught:
        taximeter.enable(output_dir="out", run_id="r")
    assert page(caught.value) == (
        f"{Path('out/runs/r').absolute()}: cannot write a run there: File exists\n"
        "    name another place with output_dir= or TAXIMETER_OUTPUT_DIR"
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "ftp://host/"}, f"events cannot be sent to 'ftp://host/': only http and https are spoken\n{WRITE_AS}"),
        (
            {"url": "http://host", "token": "a\r\nX: b"},
            "the token has characters that no header can hold\n    copy it again, one line",
        ),
    ],
)
def test_a_collector_has_an_address_and_a_token_that_can_be_used(given: dict[str, str], told: str) -> None:
    with pytest.raises(SetupError) as caught:
        HttpSink(**given)
    assert page(caught.value) == told


def test_what_a_collector_does_not_take_needs_a_place_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(Path("file").absolute()))
    with pytest.raises(SetupError) as caught:
        HttpSink("http://host")
    message, hint = page(caught.value).split("\n")
    assert message.startswith("events for the collector have no place to wait: [Errno 20] Not a directory: ")
    assert hint == "    name a folder that this process may write to with XDG_STATE_HOME"
