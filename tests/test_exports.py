"""The public names of the package."""

import subprocess
import sys

import pytest

import taximeter


def test_all_public_names_are_listed_in_order_and_can_be_had() -> None:
    assert sorted(taximeter.__all__) == taximeter.__all__
    for name in taximeter.__all__:
        assert getattr(taximeter, name) is not None


def test_what_a_program_needs_of_the_recorder_comes_from_the_package() -> None:
    functions = (
        "attach clocks disable enable flush get_recorder is_enabled run_report carry session tags span record_stage"
    )
    calls = "span record_stage log_llm_usage log_embedding_usage record_usage load_rate_card compute_cost"
    classes = "Recorder SpanEvent CallEvent Usage TokenTracker TokenBucket TokenService"
    sinks = "HttpSink JsonlSink MemorySink OtlpSink Sink"
    assert set(f"{functions} {calls} {classes} {sinks}".split()) <= set(taximeter.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = taximeter.nothing


def test_importing_the_package_loads_nothing_of_it() -> None:
    program = "import sys, taximeter; print(*[m for m in sys.modules if m.startswith(('taximeter.', 'msgspec'))])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
