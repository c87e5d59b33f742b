"""What every stage of an LLM pipeline took and what it cost."""

TYPE_CHECKING = False  # to import it from typing would take longer than all the rest; type checkers know the name

__version__ = "0.1.0"

if TYPE_CHECKING:
    from taximeter.recorder.calls import log_embedding_usage, log_llm_usage
    from taximeter.recorder.items import items

_HOME_OF = {
    "items": "taximeter.recorder.items",
    "log_embedding_usage": "taximeter.recorder.calls",
    "log_llm_usage": "taximeter.recorder.calls",
}

__all__ = ["__version__", "items", "log_embedding_usage", "log_llm_usage"]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value
