"""From what a person names to a sink: an object, a URL, or several of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from taximeter.errors import Problem, SetupError
from taximeter.recorder.sinks.sink import Sink
from taximeter.redact import shown

GROUP = "taximeter.sinks"
"""Entry points of this group add schemes: the name is the scheme, the object takes the URL and gives a sink."""


def open_sinks(spec: Sink | str | Iterable[Sink | str]) -> Sink:
    """One sink for what is named: a URL (of a scheme in the table below, or one that a package registers) or a sink.

    SetupError if there is no such sink or it cannot be set up; the sinks opened before it are closed again.
    """
    if isinstance(spec, str):
        return _from_url(spec)
    if not isinstance(spec, Iterable):
        return _checked(spec)
    opened: list[Sink] = []
    try:
        for part in spec:
            opened.append(open_sinks(part))  # noqa: PERF401 - what is open has to be known if the next one fails
    except SetupError:
        for sink in opened:
            sink.close()
        raise
    if not opened:
        raise SetupError(Problem("no sink is named", hint="write jsonl:PATH, such as jsonl:events.jsonl"))
    if len(opened) == 1:
        return opened[0]
    from taximeter.recorder.sinks.several import SeveralSinks

    return SeveralSinks(tuple(opened))


def _from_url(url: str) -> Sink:
    scheme = url.partition(":")[0]
    return _BUILT_IN[scheme](url) if ":" in url and scheme in _BUILT_IN else _registered(scheme)(url)


def _checked(sink: Sink) -> Sink:
    missing = [name for name in ("emit", "flush", "close") if not callable(getattr(sink, name, None))]
    if missing:
        what = f"{shown(sink)} is no sink: it has no {' and no '.join(missing)}"
        raise SetupError(Problem(what, hint="name a file, as jsonl:PATH, or give an object with these methods"))
    return sink


def _jsonl(url: str) -> Sink:
    from taximeter.recorder.sinks.jsonl import JsonlSink

    path = url.partition(":")[2]
    if not path:
        raise SetupError(Problem("the sink jsonl: names no file", hint="write jsonl:PATH, such as jsonl:events.jsonl"))
    return JsonlSink(path)


def _memory(_url: str) -> Sink:
    from taximeter.recorder.sinks.memory import MemorySink

    return MemorySink()


def _http(url: str) -> Sink:
    from taximeter.recorder.sinks.http import HttpSink

    return HttpSink(url)


def _otlp(url: str) -> Sink:
    from urllib.parse import urlsplit

    from taximeter.recorder.sinks.otlp import OtlpSink

    parts = urlsplit(url.removeprefix("otlp+"))
    if not parts.netloc:
        return OtlpSink()
    return OtlpSink(parts._replace(path=parts.path if parts.path not in ("", "/") else "/v1/traces").geturl())


_BUILT_IN: dict[str, Callable[[str], Sink]] = {
    "jsonl": _jsonl,
    "memory": _memory,
    "http": _http,
    "https": _http,
    "otlp+http": _otlp,
    "otlp+https": _otlp,
}


def _registered(scheme: str) -> Callable[[str], Sink]:
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    for entry in found:
        if entry.name == scheme:
            sink: Callable[[str], Sink] = entry.load()
            return lambda url: _checked(sink(url))
    known = ", ".join(f"{name}:" for name in [*_BUILT_IN, *sorted(entry.name for entry in found)])
    raise SetupError(Problem(f"there is no sink {scheme!r}", hint=f"begin with one of {known}, such as jsonl:PATH"))
