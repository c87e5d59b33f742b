"""The hooks of the SDKs of OpenAI and Anthropic, which are made alike.

`SyncAPIClient.request` and `AsyncAPIClient.request` are one logical call each, tries included, `_build_request` makes
what is sent for each try, and `_process_response` sees its successful answer, however the caller wants to have it.
Source: `_base_client.py` of openai 3.54 and anthropic 2.14.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from wrapt import wrap_function_wrapper

from taximeter import settings
from taximeter.capture.answer import AskedEvents, Events, Whole
from taximeter.capture.asking import accepted, is_refused, refused, with_usage_asked
from taximeter.capture.body import chat_readings, readings
from taximeter.capture.endpoints import asked, provider_of
from taximeter.capture.exchange import Exchange
from taximeter.capture.ourproxy import tell
from taximeter.capture.retrieved import Fetch, admit_exchange, fetching, is_in_background, no_exchange
from taximeter.capture.watch import watch
from taximeter.normalize.eventstream import AMAZON, EventStreamDecoder
from taximeter.recorder.captured import here
from taximeter.recorder.guard import guarded, shielded

_open: ContextVar[Exchange | None] = ContextVar("taximeter_exchange", default=None)
"""The request that is under way in this context."""

_REQUEST_IDS = {"openai": ("x-request-id",), "anthropic": ("request-id", "x-request-id")}
"""Headers of an answer, by the SDK."""

Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Begin = Callable[[Any, Args, Kwargs], "tuple[Exchange, Args] | None"]


@guarded
def hook(module: ModuleType) -> None:
    """Hooks the `_base_client` of an SDK."""
    sdk = module.__name__.partition(".")[0]
    begin = _admitted(shielded(_begins(sdk), no_exchange))

    def request(wrapped: Callable[..., Any], client: Any, args: Args, kwargs: Kwargs) -> Any:
        begun = begin(client, args, kwargs)
        if begun is None:
            return wrapped(*args, **kwargs)
        exchange, asking = begun
        around = _open.get()
        _open.set(exchange)
        try:
            try:
                return wrapped(*asking, **kwargs)
            except Exception as error:
                if not is_refused(exchange, error):
                    raise
                _sent(exchange, error)
            exchange.asks_usage = False
            answer = wrapped(*args, **kwargs)
            refused(exchange)
            return answer
        except BaseException as error:
            _failed(exchange, error)
            raise
        finally:
            _open.set(around)  # `reset` would raise where a coroutine is closed in another context

    async def async_request(wrapped: Callable[..., Awaitable[Any]], client: Any, args: Args, kwargs: Kwargs) -> Any:
        begun = begin(client, args, kwargs)
        if begun is None:
            return await wrapped(*args, **kwargs)
        exchange, asking = begun
        around = _open.get()
        _open.set(exchange)
        try:
            try:
                return await wrapped(*asking, **kwargs)
            except Exception as error:
                if not is_refused(exchange, error):
                    raise
                _sent(exchange, error)
            exchange.asks_usage = False
            answer = await wrapped(*args, **kwargs)
            refused(exchange)
            return answer
        except BaseException as error:
            _failed(exchange, error)
            raise
        finally:
            _open.set(around)

    for client, first in (("SyncAPIClient", request), ("AsyncAPIClient", async_request)):
        wrap_function_wrapper(module, f"{client}.request", first)
        wrap_function_wrapper(module, f"{client}._process_response", _process_response)
    if settings.PROXY.read():  # a process has it from its start, or never
        wrap_function_wrapper(module, "BaseClient._build_request", _build_request)


def _admitted(begin: Begin) -> Begin:
    """The same, with BudgetExceeded for a call that would be more than the budget; what buys nothing is let through."""

    def ask(client: Any, args: Args, kwargs: Kwargs) -> tuple[Exchange, Args] | None:
        begun = begin(client, args, kwargs)
        admit_exchange(begun and begun[0])
        return begun

    return ask


def _begins(sdk: str) -> Begin:
    """What looks at the arguments of a request, and gives those to send; None if it is no call, or nobody meters."""

    def begin(client: Any, args: Args, kwargs: Kwargs) -> tuple[Exchange, Args] | None:
        where = here()
        if where is None:
            return None
        options = args[1] if len(args) > 1 else kwargs["options"]
        wanted = asked(sdk, client, options, bool(kwargs.get("stream")))
        if wanted is None:
            fetch = fetching(sdk, provider_of(client), options.method, options.url.partition("?")[0], where)
            return None if fetch is None else (fetch, args)
        exchange = Exchange(wanted, where)
        exchange.asks(options.json_data)
        asking = with_usage_asked(exchange, client, options) if wanted.stream and len(args) > 1 else None
        return exchange, args if asking is None else (args[0], asking, *args[2:])

    return begin


def _build_request(wrapped: Callable[..., Any], _client: Any, args: Args, kwargs: Kwargs) -> Any:
    request = wrapped(*args, **kwargs)
    if _open.get() is not None:
        tell(request.url, request.headers)
    return request


def _process_response(wrapped: Callable[..., Any], _client: Any, args: Args, kwargs: Kwargs) -> Any:
    exchange = _open.get()
    if exchange is not None:
        _received(exchange, kwargs["response"], kwargs.get("retries_taken", 0))
    return wrapped(*args, **kwargs)


@guarded
def _received(exchange: Exchange, response: Any, retries_taken: int) -> None:
    """Takes the answer: `response` is one of httpx, read already or still to be read."""
    if not response.is_success:
        return
    exchange.request_id = _request_id(exchange, response)
    if isinstance(exchange, Fetch):
        exchange.fetched(response)
        return
    exchange.tries += retries_taken + 1
    if response.is_closed:
        body, asked = response.content, exchange.asked
        exchange.tells(body)
        if asked.endpoint == "/chat/completions":
            exchange.answered(chat_readings(body, asked.provider))
        elif asked.endpoint != "/responses" or not is_in_background(exchange, body):
            exchange.answered(readings(body, asked.provider))
    elif not exchange.asked.stream:
        watch(response, Whole(exchange))
    elif exchange.asks_usage:
        accepted(exchange)
        watch(response, AskedEvents(exchange))
    elif response.headers.get("content-type") == AMAZON:
        watch(response, Events(exchange, EventStreamDecoder()))
    else:
        watch(response, Events(exchange))


def _request_id(exchange: Exchange, response: Any) -> str | None:
    """The id that the server has given to the request: where it is found first decides, since each look takes 1 µs."""
    for name in _REQUEST_IDS[exchange.asked.captured_by]:
        if name in response.headers:
            return str(response.headers[name])
    return None


@guarded
def _failed(exchange: Exchange, error: BaseException) -> None:
    """A request that was sent and not answered; one that was never sent is no call."""
    if exchange.is_answered:
        return
    if isinstance(error, Exception):
        _sent(exchange, error)
        if exchange.tries:
            exchange.ended("failed")
    else:
        exchange.ended("cut")  # somebody waits no longer, and what it used nobody knows


@guarded
def _sent(exchange: Exchange, error: Exception) -> None:
    """Adds the tries of a request that failed."""
    request, response = getattr(error, "request", None), getattr(error, "response", None)
    if request is not None:
        exchange.tries += int(request.headers.get("x-stainless-retry-count", 0)) + 1
    if response is not None:
        exchange.request_id = _request_id(exchange, response)
