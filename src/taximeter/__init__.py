"""What every stage of an LLM pipeline took and what it cost."""

TYPE_CHECKING = False  # to import it from typing would take longer than all the rest; type checkers know the name

__version__ = "0.1.0"

if TYPE_CHECKING:
    from taximeter.budget import Budget
    from taximeter.capture.install import instrument
    from taximeter.capture.otel import SpanProcessor
    from taximeter.capture.response import record_response
    from taximeter.errors import BudgetExceeded
    from taximeter.events import CallEvent, SpanEvent
    from taximeter.recorder.attribution import TokenService, TokenTracker
    from taximeter.recorder.buckets import TokenBucket
    from taximeter.recorder.calls import log_embedding_usage, log_llm_usage, record_usage
    from taximeter.recorder.context import carry
    from taximeter.recorder.instance import admit, attach, clocks, disable, enable, flush, get_recorder, is_enabled
    from taximeter.recorder.items import items
    from taximeter.recorder.labelling import session, tags
    from taximeter.recorder.progress import ProgressLogger
    from taximeter.recorder.ratecards import compute_cost, load_rate_card
    from taximeter.recorder.recorder import Recorder
    from taximeter.recorder.regions import record_stage, span
    from taximeter.recorder.sinks.http import HttpSink
    from taximeter.recorder.sinks.jsonl import JsonlSink
    from taximeter.recorder.sinks.memory import MemorySink
    from taximeter.recorder.sinks.otlp import OtlpSink
    from taximeter.recorder.sinks.sink import Sink
    from taximeter.report.running import run_report
    from taximeter.usage import Usage

_HOME_OF = {
    "Budget": "taximeter.budget",
    "BudgetExceeded": "taximeter.errors",
    "CallEvent": "taximeter.events",
    "HttpSink": "taximeter.recorder.sinks.http",
    "JsonlSink": "taximeter.recorder.sinks.jsonl",
    "MemorySink": "taximeter.recorder.sinks.memory",
    "OtlpSink": "taximeter.recorder.sinks.otlp",
    "ProgressLogger": "taximeter.recorder.progress",
    "Recorder": "taximeter.recorder.recorder",
    "Sink": "taximeter.recorder.sinks.sink",
    "SpanEvent": "taximeter.events",
    "SpanProcessor": "taximeter.capture.otel",
    "TokenBucket": "taximeter.recorder.buckets",
    "TokenService": "taximeter.recorder.attribution",
    "TokenTracker": "taximeter.recorder.attribution",
    "Usage": "taximeter.usage",
    "admit": "taximeter.recorder.instance",
    "attach": "taximeter.recorder.instance",
    "carry": "taximeter.recorder.context",
    "clocks": "taximeter.recorder.instance",
    "compute_cost": "taximeter.recorder.ratecards",
    "disable": "taximeter.recorder.instance",
    "enable": "taximeter.recorder.instance",
    "flush": "taximeter.recorder.instance",
    "get_recorder": "taximeter.recorder.instance",
    "instrument": "taximeter.capture.install",
    "is_enabled": "taximeter.recorder.instance",
    "items": "taximeter.recorder.items",
    "load_rate_card": "taximeter.recorder.ratecards",
    "log_embedding_usage": "taximeter.recorder.calls",
    "log_llm_usage": "taximeter.recorder.calls",
    "record_response": "taximeter.capture.response",
    "record_stage": "taximeter.recorder.regions",
    "record_usage": "taximeter.recorder.calls",
    "run_report": "taximeter.report.running",
    "session": "taximeter.recorder.labelling",
    "span": "taximeter.recorder.regions",
    "tags": "taximeter.recorder.labelling",
}

__all__ = [
    "Budget",
    "BudgetExceeded",
    "CallEvent",
    "HttpSink",
    "JsonlSink",
    "MemorySink",
    "OtlpSink",
    "ProgressLogger",
    "Recorder",
    "Sink",
    "SpanEvent",
    "SpanProcessor",
    "TokenBucket",
    "TokenService",
    "TokenTracker",
    "Usage",
    "__version__",
    "admit",
    "attach",
    "carry",
    "clocks",
    "compute_cost",
    "disable",
    "enable",
    "flush",
    "get_recorder",
    "instrument",
    "is_enabled",
    "items",
    "load_rate_card",
    "log_embedding_usage",
    "log_llm_usage",
    "record_response",
    "record_stage",
    "record_usage",
    "run_report",
    "session",
    "span",
    "tags",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value
