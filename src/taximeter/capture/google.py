"""The hooks of the SDK of Google, for the Gemini API and for Vertex AI.

`request`, `async_request` and their streamed forms are one logical call each; `_request_once` is a try.
Source: `_api_client.py` of google-genai 3.6.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from functools import partial
from time import perf_counter_ns
from types import ModuleType
from typing import Any

import msgspec
from wrapt import wrap_function_wrapper

from taximeter.capture.around import Args, Around, Kwargs
from taximeter.capture.body import believed, readings
from taximeter.capture.exchange import Asked, Exchange
from taximeter.capture.ourproxy import tell
from taximeter.capture.retrieved import Fetch, Results, admit_exchange, is_first, no_exchange
from taximeter.events import CallKind
from taximeter.normalize.fields import fields, items
from taximeter.normalize.read import read
from taximeter.normalize.stream import StreamReader
from taximeter.recorder.captured import here
from taximeter.recorder.guard import guarded, shielded

_KINDS: dict[str, CallKind] = {
    "generateContent": "llm",
    "streamGenerateContent": "llm",
    "embedContent": "embedding",
    "batchEmbedContents": "embedding",
    "predict": "embedding",
}
"""What buys something, by the verb behind the model; `predict` only of a model that embeds."""

_open: ContextVar[Exchange | None] = ContextVar("taximeter_google", default=None)


@guarded
def hook(module: ModuleType) -> None:
    """Hooks the `_api_client` of the SDK."""
    around = Around(_open, _begin, _failed, _answered)
    for name, wrapper in (
        ("request", around.call),
        ("async_request", around.async_call),
        ("request_streamed", _request_streamed),
        ("async_request_streamed", _async_request_streamed),
        ("_request_once", _once),
        ("_async_request_once", _once),
        ("download_file", _download),
        ("async_download_file", _async_download),
    ):
        wrap_function_wrapper(module, f"BaseApiClient.{name}", wrapper)


def _request_streamed(wrapped: Callable[..., Any], _client: Any, args: Args, kwargs: Kwargs) -> Iterator[Any]:
    """A generator, as the function that it stands for: nothing is sent before the first chunk is asked for."""
    exchange = _begin(args, kwargs)
    if exchange is None:
        yield from wrapped(*args, **kwargs)
        return
    reader = StreamReader("google")
    chunks = wrapped(*args, **kwargs)
    try:
        around = _open.get()
        _open.set(exchange)
        try:
            chunk = next(chunks, None)
        finally:
            _open.set(around)
        while chunk is not None:
            _take(exchange, reader, chunk)
            yield chunk
            chunk = next(chunks, None)
    except Exception as error:  # not when it is closed: who stops to listen has cut it short
        _failed(exchange, error)
        raise
    finally:
        _ended(exchange, reader)


async def _async_request_streamed(
    wrapped: Callable[..., Awaitable[Any]], _client: Any, args: Args, kwargs: Kwargs
) -> Any:
    exchange = _begin(args, kwargs)
    if exchange is None:
        return await wrapped(*args, **kwargs)
    around = _open.get()
    _open.set(exchange)
    try:
        return _async_chunks(exchange, await wrapped(*args, **kwargs))
    except BaseException as error:
        _failed(exchange, error)
        raise
    finally:
        _open.set(around)


async def _async_chunks(exchange: Exchange, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    reader = StreamReader("google")
    try:
        async for chunk in chunks:
            _take(exchange, reader, chunk)
            yield chunk
    finally:
        _ended(exchange, reader)


def _once(wrapped: Callable[..., Any], _client: Any, args: Args, kwargs: Kwargs) -> Any:
    exchange = _open.get()
    if exchange is not None:
        exchange.tries += 1
        tell(args[0].url, args[0].headers)
    return wrapped(*args, **kwargs)


def _download(wrapped: Callable[..., Any], client: Any, args: Args, kwargs: Kwargs) -> Any:
    content = wrapped(*args, **kwargs)
    _downloaded(client, args, content)
    return content


async def _async_download(wrapped: Callable[..., Awaitable[Any]], client: Any, args: Args, kwargs: Kwargs) -> Any:
    content = await wrapped(*args, **kwargs)
    _downloaded(client, args, content)
    return content


def _begun(args: Args, _kwargs: Kwargs) -> Exchange | None:
    method, path = args[0], args[1].partition("?")[0]
    where = here()
    if where is None:
        return None
    if method == "get" and path.startswith("batches/"):
        return Fetch(Asked("google-genai", path, "llm", "google", None, None), where, Results)
    place, _, verb = path.rpartition(":")
    model = place.rpartition("/")[2]
    if method != "post" or verb not in _KINDS or (verb == "predict" and "embed" not in model):
        return None
    asked = Asked("google-genai", f":{verb}", _KINDS[verb], "google", model, verb == "streamGenerateContent")
    exchange = Exchange(asked, where)
    exchange.asks(args[2])
    return exchange


_shielded = shielded(_begun, no_exchange)


def _begin(args: Args, kwargs: Kwargs) -> Exchange | None:
    """The exchange of a request that is to be seen; BudgetExceeded if it would buy more than the budget."""
    exchange = _shielded(args, kwargs)
    admit_exchange(exchange)
    return exchange


@guarded
def _answered(exchange: Exchange, response: Any) -> None:
    if isinstance(exchange, Fetch):
        _batch(exchange, response.body)
    else:
        exchange.tells(response.body)
        exchange.answered(readings(response.body, "google"))


@guarded
def _take(exchange: Exchange, reader: StreamReader, chunk: Any) -> None:
    if exchange.first_ns is None:
        exchange.first_ns = perf_counter_ns()
    exchange.tells(chunk.body)
    reader.take(msgspec.json.decode(chunk.body))


@guarded
def _ended(exchange: Exchange, reader: StreamReader) -> None:
    if not exchange.is_answered:
        exchange.answered(believed(reader.readings))


@guarded
def _failed(exchange: Exchange, error: BaseException) -> None:
    """A request that was sent and not answered; one that was never sent is no call."""
    if exchange.is_answered or exchange.first_ns is not None:
        return
    if exchange.tries:
        exchange.ended("failed" if isinstance(error, Exception) else "cut")
    exchange.is_answered = True


def _batch(exchange: Fetch, body: str) -> None:
    """The results of a batch that stand in the batch itself."""
    output = fields(fields(msgspec.json.decode(body)).get("metadata")).get("output")
    for name in ("inlinedResponses", "inlinedEmbedContentResponses"):
        for number, result in enumerate(items(fields(fields(output).get(name)).get("inlinedResponses"))):
            if is_first(exchange.asked.endpoint, name, str(number)):
                line = {"key": "", "response": fields(result).get("response")}
                exchange.found(believed(partial(read, line, "google")))


@guarded
def _downloaded(_client: Any, args: Args, content: Any) -> None:
    """A file, which may be the results of a batch."""
    where = here() if isinstance(content, bytes) else None
    if where is not None:
        asked = Asked("google-genai", args[0].partition("?")[0], "llm", "google", None, None)
        answer = Fetch(asked, where, Results).answer
        answer.feed(content)
        answer.rest()
